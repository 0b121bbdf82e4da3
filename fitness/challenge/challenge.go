// Package challenge judges activities by a challenge's rule and keeps its board.
// It is pure: a Board is a function of the definition and the activities that
// were applied to it, whatever their order, so that it can be rebuilt at any
// time and be the same.
package challenge
