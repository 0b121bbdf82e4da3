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

// MaxKey is the length limit of a key that a client gives to what it sends, in
// bytes.
const MaxKey = 64

// CheckKey judges such a key (a messageId, a correctionId): 1 to 64 visible ASCII
// characters without a slash. Errors: Malformed when it is missing, Invalid.
func CheckKey(field string, key *string) error {
	if key == nil {
		return Errorf("", Malformed, "%s is missing", field)
	}
	ok := *key != "" && len(*key) <= MaxKey
	for i := 0; i < len(*key) && ok; i++ {
		c := (*key)[i]
		ok = c > ' ' && c <= '~' && c != '/'
	}
	if ok {
		return nil
	}
	return Errorf("", Invalid, "%s %.80q is not 1 to %d visible ASCII characters without a slash", field, *key, MaxKey)
}
