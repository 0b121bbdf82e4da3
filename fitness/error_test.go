package fitness_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/fitmq/fitmq/fitness"
)

func TestKindOf(t *testing.T) {
	inner := fitness.Errorf("put session", fitness.Conflict, "session %s has ended", "s1")
	tests := []struct {
		name string
		err  error
		want fitness.Kind
		msg  string
	}{
		{"OK/direct", inner, fitness.Conflict, "session s1 has ended"},
		{"OK/wrapped", fmt.Errorf("handle control: %w", inner), fitness.Conflict, "session s1 has ended"},
		{"ErrForeign", errors.New("disk on fire"), fitness.Internal, "internal error"},
		{"ErrNil", nil, fitness.Internal, "internal error"},
		{"ErrInternalHidesText", &fitness.Error{Msg: "secret path /x"}, fitness.Internal, "internal error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := fitness.KindOf(tt.err); got != tt.want {
				t.Errorf("kind: got %v, want %v", got, tt.want)
			}
			if got := fitness.Message(tt.err); got != tt.msg {
				t.Errorf("message: got %q, want %q", got, tt.msg)
			}
		})
	}
}

func TestError_Error(t *testing.T) {
	cause := errors.New("no space left")
	err := &fitness.Error{Op: "put session", Kind: fitness.Unavailable, Msg: "cannot store it now", Err: cause}
	if got, want := err.Error(), "put session: cannot store it now: no space left"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if got, want := (&fitness.Error{Kind: fitness.Rate}).Error(), "rate"; got != want {
		t.Errorf("bare: got %q, want %q", got, want)
	}
}
