package replay

import (
	"crypto/tls"
	"net/url"
	"time"
)

// Options say what to replay, where to and how fast.
type Options struct {
	Addr     *url.URL    // mqtt://host:port
	TLS      *tls.Config // nil: plain TCP
	User     string
	Password string
	ClientID string

	Session   string // "" publishes no samples
	Challenge string // "" submits no activities

	Speed   float64       // times the recording's pace; more than 0
	StartAt time.Time     // zero: as soon as connected
	Lag     time.Duration // recording time from StartAt to the first sample; may be negative
	IDTail  string        // appended to activity ids, "" for none
	SeqBase uint64        // the first sample has SeqBase+1
	Keep    int           // 0: DefaultKeep
	GiveUp  time.Duration // 0: DefaultGiveUp

	AckTimeout time.Duration // 0: DefaultAckTimeout
}

// Events is told what happens. Its methods are called from several goroutines
// and must not block.
type Events interface {
	// Started is called once connected: where in real time the recording begins.
	Started(begin time.Time)
	// Progress is called after each acknowledged message of samples.
	Progress(sent, total int, at time.Duration)
	// ActivityDone is called when an activity was acknowledged.
	ActivityDone(leg int, id string)
	// Refused is called when the broker said no, with what and why.
	Refused(what, why string)
	// Reported is called for a message on the user's error topic.
	Reported(topic, why string)
	// ConnectFailed, Disconnected, Reconnected, ServerDisconnect tell of the connection.
	ConnectFailed(err error)
	Disconnected()
	Reconnected()
	ServerDisconnect(why string)
}

// Result is what a replay came to.
type Result struct {
	Samples     int           `json:"samples"`        // in the recording that carry a measure
	Empty       int           `json:"samplesEmpty"`   // in the recording with nothing measured: not sent
	Sent        int           `json:"samplesSent"`    // acknowledged
	Dropped     int           `json:"samplesDropped"` // lost to the bound of what is kept
	Refused     int           `json:"samplesRefused"`
	Messages    int           `json:"messages"`    // acknowledged messages of samples
	Activities  int           `json:"activities"`  // to submit
	Accepted    int           `json:"accepted"`    // activities acknowledged
	ActRefused  int           `json:"refused"`     // activities refused
	Reconnects  int           `json:"reconnects"`  // after the first connection
	Received    int           `json:"received"`    // messages that came in
	Reported    int           `json:"reported"`    // errors on the user's own topic about this replay
	SubsRefused int           `json:"subsRefused"` // subscriptions refused
	Duration    time.Duration `json:"-"`
}

// OK reports whether everything was sent and accepted.
func (r Result) OK() bool {
	return r.Sent == r.Samples && r.Accepted == r.Activities && r.Reported == 0 && r.SubsRefused == 0
}

// Refusal reports whether the broker refused anything.
func (r Result) Refusal() bool {
	return r.Refused > 0 || r.ActRefused > 0 || r.Reported > 0 || r.SubsRefused > 0
}
