package recording

import (
	"encoding/binary"
	"fmt"
)

// fitHeader is what the integrity check needs of a FIT header.
type fitHeader struct {
	size int // 12 or 14; 0 when there is no valid header
	data int // bytes of messages that the header announces
}

// checkFIT checks the header and both checksums of the FIT sequence at the
// start of chunk, which begins at byte base of the file. The header's CRC is
// optional (absent in a 12-byte header, 0 in many 14-byte ones), the file's is
// not: it covers header and messages.
func checkFIT(chunk []byte, base int) (fitHeader, error) {
	damage := func(offset int, format string, args ...any) error {
		return &DamageError{Format: FIT, Offset: int64(base + offset), What: fmt.Sprintf(format, args...)}
	}
	if len(chunk) < 14 {
		return fitHeader{}, damage(0, "%d bytes where a FIT header should be", len(chunk))
	}
	size := int(chunk[0])
	if (size != 12 && size != 14) || string(chunk[8:12]) != ".FIT" {
		return fitHeader{}, damage(0, "no FIT header (size %d, type %q)", size, chunk[8:12])
	}
	head := fitHeader{size: size, data: int(binary.LittleEndian.Uint32(chunk[4:8]))}
	if head.data == 0 {
		return fitHeader{}, damage(4, "the header announces no data: the recording was never finished")
	}
	if size == 14 {
		want, got := binary.LittleEndian.Uint16(chunk[12:14]), crcFIT(chunk[:12])
		if want != 0 && want != got {
			return head, damage(12, "the header's checksum is %#04x, computed %#04x", want, got)
		}
	}
	end := size + head.data
	if len(chunk) < end+2 {
		return head, damage(len(chunk), "truncated: the header announces %d bytes, %d are there", end+2, len(chunk))
	}
	want, got := binary.LittleEndian.Uint16(chunk[end:end+2]), crcFIT(chunk[:end])
	if want != got {
		return head, damage(end, "the file's checksum is %#04x, computed %#04x over bytes %d to %d", want, got, base, base+end)
	}
	return head, nil
}

// crcFIT is CRC-16/ARC (polynomial 0x8005 reflected), which FIT uses.
func crcFIT(data []byte) uint16 {
	var crc uint16
	for _, b := range data {
		crc ^= uint16(b)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0xA001
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}
