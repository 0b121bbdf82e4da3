package engine

import "sync/atomic"

// Stats are the engine's counters since its start, and what it holds now.
type Stats struct {
	ProgressAccepted   uint64 // messages with live samples that were accepted
	SamplesAccepted    uint64 // samples in them
	SamplesFlagged     uint64 // of those, samples that looked odd
	ActivitiesAccepted uint64 // activities passed on to the log, repeats included
	ActivitiesRepeated uint64 // repeats of what had been applied already
	ActivitiesCounted  uint64 // applied and counted
	ActivitiesIgnored  uint64 // applied and not counted
	Awards             uint64 // awards given, those for joining aside
	ControlsAccepted   uint64 // session commands passed on to the log
	ChatMessages       uint64 // messages applied, edits and deletions included
	ChatFailed         uint64 // messages that the tables could not be read for
	NotesTaken         uint64 // notifications put into inboxes
	NotesDelivered     uint64 // of those, sent to clients of their users
	NotesReplaced      uint64 // unread ones that a newer one with their collapse key replaced
	NotesPushedOut     uint64 // old ones that found no room in a full inbox any more
	NotesUnwanted      uint64 // left out: their user does not want the kind
	NotesDropped       uint64 // of the broker's own, left out: more than a person wants
	NotesFailed        uint64 // lost: the inbox could not be read
	MatchBeacons       uint64 // beacons accepted, withdrawals aside
	MatchTeleports     uint64 // beacons refused for coming from too far away
	MatchProposals     uint64 // proposals made, one for each who gets one
	MatchHeldBack      uint64 // times that somebody's allowance of proposals was used up
	MatchesMade        uint64 // matches: both have accepted
	HappeningsDropped  uint64 // events for others that found no room before a save
	Refused            uint64 // messages refused, for whatever reason
	RefusedRate        uint64 // of those, for rate or quota
	EventsDropped      uint64 // events not published: no publisher, a full outbox, or a storm
	Milestones         uint64 // milestones told
	JoinsRefused       uint64 // joins refused: the session's capacity is used up
	RosterDropped      uint64 // subscribers not taken in: the session is full
	Checkpoints        uint64 // saves done
	CheckpointErrors   uint64 // saves that failed
	Sessions           int    // sessions there are
	Challenges         int    // challenges there are
	Clients            int    // connected clients
	Beacons            int    // live beacons
	Pending            int    // activities logged and not applied yet
	Unsaved            int    // activities applied and not saved yet
}

// counters are the counting part of Stats.
type counters struct {
	ProgressAccepted, SamplesAccepted, SamplesFlagged         atomic.Uint64
	ActivitiesAccepted, ActivitiesRepeated                    atomic.Uint64
	ActivitiesCounted, ActivitiesIgnored, ControlsAccepted    atomic.Uint64
	Awards, Milestones, JoinsRefused                          atomic.Uint64
	ChatMessages, ChatFailed                                  atomic.Uint64
	NotesTaken, NotesDelivered, NotesReplaced, NotesPushedOut atomic.Uint64
	NotesUnwanted, NotesDropped, NotesFailed                  atomic.Uint64
	MatchBeacons, MatchTeleports, MatchProposals              atomic.Uint64
	MatchHeldBack, MatchesMade                                atomic.Uint64
	HappeningsDropped                                         atomic.Uint64
	Refused, RefusedRate                                      atomic.Uint64
	EventsDropped, RosterDropped, Checkpoints, CheckpointErrs atomic.Uint64
	pending                                                   atomic.Int64
}

// Stats returns the counters.
func (e *Engine) Stats() Stats {
	c := &e.stats
	return Stats{
		ProgressAccepted: c.ProgressAccepted.Load(), SamplesAccepted: c.SamplesAccepted.Load(),
		SamplesFlagged: c.SamplesFlagged.Load(), ActivitiesAccepted: c.ActivitiesAccepted.Load(),
		ActivitiesRepeated: c.ActivitiesRepeated.Load(), ActivitiesCounted: c.ActivitiesCounted.Load(),
		ActivitiesIgnored: c.ActivitiesIgnored.Load(), ControlsAccepted: c.ControlsAccepted.Load(), Awards: c.Awards.Load(),
		Milestones: c.Milestones.Load(), JoinsRefused: c.JoinsRefused.Load(),
		ChatMessages: c.ChatMessages.Load(), ChatFailed: c.ChatFailed.Load(),
		NotesTaken: c.NotesTaken.Load(), NotesDelivered: c.NotesDelivered.Load(), NotesReplaced: c.NotesReplaced.Load(),
		NotesPushedOut: c.NotesPushedOut.Load(), NotesUnwanted: c.NotesUnwanted.Load(),
		NotesDropped: c.NotesDropped.Load(), NotesFailed: c.NotesFailed.Load(),
		MatchBeacons: c.MatchBeacons.Load(), MatchTeleports: c.MatchTeleports.Load(), MatchProposals: c.MatchProposals.Load(),
		MatchHeldBack: c.MatchHeldBack.Load(), MatchesMade: c.MatchesMade.Load(), Beacons: e.matches.live(),
		Refused: c.Refused.Load(), RefusedRate: c.RefusedRate.Load(),
		HappeningsDropped: c.HappeningsDropped.Load(),
		EventsDropped:     c.EventsDropped.Load(), RosterDropped: c.RosterDropped.Load(),
		Checkpoints: c.Checkpoints.Load(), CheckpointErrors: c.CheckpointErrs.Load(),
		Sessions: e.sessions.len(), Challenges: e.challenges.len(), Clients: e.presence.len(),
		Pending: int(c.pending.Load()), Unsaved: e.saver.unsaved(),
	}
}
