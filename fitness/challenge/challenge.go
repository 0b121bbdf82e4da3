// Package challenge judges activities by a challenge's rule and keeps its board.
// It is pure: a Board is a function of the definition and the activities that
// were applied to it, whatever their order, so that it can be rebuilt at any
// time and be the same.
package challenge

import "github.com/fitmq/fitmq/fitness"

// ValidSport reports whether s is a sport's name as FIT writes them: 1 to 32
// letters, digits or underscores.
func ValidSport(s string) bool { return fitness.ValidWord(s) }
