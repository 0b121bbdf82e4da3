package demo

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// unreadLines is how many messages of each conversation are left unread.
const unreadLines = 2

// makeTalk writes what was said before. Written again, a message is the same one.
func (s *Stage) makeTalk(ctx context.Context, _ time.Time) error {
	if err := s.call(ctx, s.cast[WatcherID], http.MethodPut, "/conversations/"+groupID, map[string]any{
		"title": "Sunday riders", "members": []string{WatcherID, TrainerID, hannaID, marcoID, idaID},
	}); err != nil {
		return err
	}
	direct := TrainerID + "." + WatcherID
	for id, lines := range map[string][][2]string{groupID: rideTalk(), direct: coachTalk} {
		name := func(i int) string { return fmt.Sprintf("demo-%s-%d", id, i) }
		for i, line := range lines {
			if err := s.publish(ctx, line[0], "chat/"+id+"/message", map[string]string{"content": line[1], "messageId": name(i)}); err != nil {
				return err
			}
		}
		if err := s.publish(ctx, WatcherID, "chat/"+id+"/read", map[string]string{"messageId": name(len(lines) - 1 - unreadLines)}); err != nil {
			return err
		}
	}
	for i, line := range sessionTalk {
		body := map[string]string{"content": line[2], "messageId": fmt.Sprintf("demo-session-%d", i)}
		if err := s.publish(ctx, line[1], "session/"+line[0]+"/chat", body); err != nil {
			return err
		}
	}
	// What was told while the stage was set is no news.
	if err := s.publish(ctx, WatcherID, "user/"+WatcherID+"/notification/read", map[string]bool{"all": true}); err != nil {
		return err
	}
	return s.publish(ctx, TrainerID, "user/"+WatcherID+"/notification", map[string]any{
		"content": "Your plan for this week is ready: two easy runs, one strength session.", "kind": "reminder",
		"messageId": "demo-plan", "collapseKey": "plan",
	})
}

// makePast gives the watcher a score, and a workout that is over, with its
// summary.
func (s *Stage) makePast(ctx context.Context, now time.Time) error {
	for i, metres := range []float64{21_300, 14_850} {
		ended := now.Add(-time.Duration(26+3*i) * time.Hour)
		if ended.Day() > now.Day() {
			ended = now.Add(-time.Duration(2+i) * time.Hour) // the month has just begun
		}
		if err := s.handIn(ctx, s.ChallengeID, WatcherID, "cycling", ended, metres/6.9, metres); err != nil {
			return err
		}
	}
	made, err := s.putOnce(ctx, "/sessions/lunch-ride", map[string]any{
		"kind": "workout", "title": "Lunch ride", "host": WatcherID, "visibility": "open", "rankBy": "distance",
	})
	if err != nil || !made {
		return err
	}
	for _, one := range []struct {
		id          string
		heart, pace float64
	}{{WatcherID, 104, 7.2}, {marcoID, 112, 6.9}} {
		if err := s.publish(ctx, one.id, "session/lunch-ride/progress/"+one.id, ridden(now, one.heart, one.pace)); err != nil {
			return err
		}
	}
	return s.call(ctx, s.cast[WatcherID], http.MethodPost, "/sessions/lunch-ride/control", map[string]string{"action": "end"})
}

// ridden is a ride of ten minutes as a watch hands it in that was away, with a
// heart that rises from easy to hard.
func ridden(now time.Time, heart, speed float64) map[string]any {
	const samples, every = 60, 10
	list := make([]map[string]any, samples)
	begun := now.Add(-samples * every * time.Second)
	for i := range list {
		t := float64((i + 1) * every)
		list[i] = map[string]any{
			"seq": i + 1, "timestamp": begun.Add(time.Duration(t) * time.Second).Format(time.RFC3339), "elapsedTime": t,
			"sport": "cycling", "status": "active", "heartRate": int(heart) + i*4/3, "speed": speed, "distance": t * speed, "calories": int(t / 6),
		}
	}
	return map[string]any{"samples": list}
}

// handIn hands in an activity as somebody.
func (s *Stage) handIn(ctx context.Context, challenge, who, sport string, ended time.Time, seconds, metres float64) error {
	s.handed++
	return s.publish(ctx, who, "challenge/"+challenge+"/activity", map[string]any{
		// The number alone would repeat after a restart.
		"activityId": who + "-" + strconv.FormatInt(s.opts.Now().UnixMilli(), 36) + "-" + strconv.Itoa(s.handed),
		"sport":      sport, "startTime": ended.Add(-time.Duration(seconds) * time.Second).UTC().Format(time.RFC3339),
		"totalElapsedTime": int(seconds), "totalTimerTime": int(seconds), "totalDistance": int(metres), "device": "fitmq demo",
	})
}
