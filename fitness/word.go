package fitness

// MaxWord is the length limit of a word such as a sport's name, in bytes.
const MaxWord = 32

// ValidWord reports whether s is a word as the FIT profile writes its enums
// (running, stand_up_paddleboarding): 1 to 32 letters, digits or underscores.
func ValidWord(s string) bool {
	if s == "" || len(s) > MaxWord {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_' {
			continue
		}
		return false
	}
	return true
}
