package demo

import (
	"context"
	"net/http"
	"time"
)

// setUp creates what the demonstration needs, in the order in which one thing
// refers to another.
func (s *Stage) setUp(ctx context.Context, now time.Time) error {
	for _, step := range []func(context.Context, time.Time) error{
		s.makeUsers, s.makeSessions, s.makeChallenge, s.makeDaily, s.makePast, s.makeTalk,
	} {
		if err := step(ctx, now); err != nil {
			return err
		}
	}
	return nil
}

// makeUsers creates the accounts and who is whose trainer.
func (s *Stage) makeUsers(ctx context.Context, _ time.Time) error {
	accounts := make([]*account, 0, len(s.cast)+len(s.riders))
	for _, a := range s.cast {
		accounts = append(accounts, a)
	}
	for _, r := range s.riders {
		accounts = append(accounts, &account{id: r.id, name: r.name, role: "member", password: r.password, maxHeartRate: r.profile.MaxHR})
	}
	for _, a := range accounts {
		if err := s.put(ctx, "/users/"+a.id, map[string]string{"name": a.name, "role": a.role, "password": a.password}); err != nil {
			return err
		}
		if a.maxHeartRate == 0 {
			continue
		}
		if err := s.put(ctx, "/users/"+a.id+"/preferences", map[string]float64{"maxHeartRate": float64(int(a.maxHeartRate))}); err != nil {
			return err
		}
	}
	for _, client := range []string{WatcherID, idaID, oskarID, hannaID} {
		if err := s.put(ctx, "/links/"+TrainerID+"/"+client, struct{}{}); err != nil {
			return err
		}
	}
	return nil
}

// makeSessions creates what goes on now, and what begins later.
func (s *Stage) makeSessions(ctx context.Context, now time.Time) error {
	if err := s.put(ctx, "/sessions/"+SessionID, map[string]any{
		"kind": "workout", "title": "Morning ride", "host": TrainerID, "trainer": TrainerID,
		"visibility": "open", "rankBy": "distance",
	}); err != nil {
		return err
	}
	if err := s.put(ctx, "/sessions/"+trainingID, map[string]any{
		"kind": "training", "title": "Strength with Tess", "host": TrainerID, "trainer": TrainerID, "visibility": "open", "rankBy": "repetitions",
	}); err != nil {
		return err
	}
	if _, err := s.putOnce(ctx, "/sessions/evening-run", map[string]any{
		"kind": "workout", "title": "Evening run, easy 8 km", "host": hannaID, "visibility": "open", "rankBy": "distance",
		"startsAt": now.Add(15 * time.Minute).Format(time.RFC3339),
	}); err != nil {
		return err
	}
	made, err := s.putOnce(ctx, "/sessions/your-intervals", map[string]any{
		"kind": "workout", "title": "Your intervals, by invitation", "host": WatcherID, "visibility": "invite", "rankBy": "distance",
		"startsAt": now.Add(45 * time.Minute).Format(time.RFC3339),
	})
	if err != nil || !made {
		return err
	}
	return s.call(ctx, s.cast[WatcherID], http.MethodPut, "/sessions/your-intervals/members/"+marcoID, struct{}{})
}

// makeChallenge creates the challenge of the month: the riders and the watcher,
// in two teams.
func (s *Stage) makeChallenge(ctx context.Context, now time.Time) error {
	hills, flats := []string{WatcherID, marcoID}, []string{hannaID, idaID}
	for i, r := range s.riders {
		if i%2 == 0 {
			flats = append(flats, r.id)
		} else {
			hills = append(hills, r.id)
		}
	}
	// A day more on either side: somewhere it is the month already, and a ride
	// begun in its last minutes still counts.
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	path := "/challenges/" + s.ChallengeID
	if err := s.put(ctx, path, map[string]any{
		"title": now.Month().String() + " 100 km", "organizer": TrainerID, "visibility": "open",
		"metric": "distance", "aggregate": "sum", "order": "desc",
		"startsAt": first.AddDate(0, 0, -1).Format(time.RFC3339),
		"endsAt":   first.AddDate(0, 1, 1).Format(time.RFC3339),
		"goal":     100_000, "goalOf": "each",
		"awards": []map[string]any{
			{"threshold": 10_000, "title": "First ten"}, {"threshold": 50_000, "title": "Half way"}, {"threshold": 100_000, "title": "All hundred"},
		},
		"teams": []map[string]any{{"id": "hills", "name": "Team Hills", "members": hills}, {"id": "flats", "name": "Team Flats", "members": flats}},
	}); err != nil {
		return err
	}
	for _, id := range append(hills, flats...) {
		if err := s.put(ctx, path+"/participants/"+id, struct{}{}); err != nil {
			return err
		}
	}
	return nil
}

// makeDaily creates a challenge that the watcher organizes: every day thirty
// minutes, with a board of yesterday and something to review.
func (s *Stage) makeDaily(ctx context.Context, now time.Time) error {
	day := now.Truncate(24 * time.Hour)
	path := "/challenges/" + dailyID
	if _, err := s.putOnce(ctx, path, map[string]any{
		"title": "Thirty minutes, every day", "organizer": WatcherID, "visibility": "open",
		"metric": "activeMinutes", "period": "daily", "timeZone": "UTC", "goal": 30, "goalOf": "each",
		"startsAt": day.AddDate(0, 0, -3).Format(time.RFC3339), "endsAt": day.AddDate(0, 0, 14).Format(time.RFC3339),
		"awards": []map[string]any{{"threshold": 30, "title": "Thirty minutes"}, {"kind": "streak", "threshold": 2, "title": "Two days in a row"}},
	}); err != nil {
		return err
	}
	for _, id := range []string{WatcherID, hannaID, marcoID, pavelID, idaID, oskarID} {
		if err := s.put(ctx, path+"/participants/"+id, struct{}{}); err != nil {
			return err
		}
	}
	yesterday := day.Add(-6 * time.Hour)
	for i, id := range []string{WatcherID, hannaID, marcoID, pavelID, idaID, oskarID} {
		seconds := float64(1500 + 420*((i*5)%6))
		if err := s.handIn(ctx, dailyID, id, "running", yesterday, seconds, seconds*2.8); err != nil {
			return err
		}
		if i == 0 {
			continue // yours of today is for you to hand in
		}
		if err := s.handIn(ctx, dailyID, id, "running", now.Add(-time.Minute), seconds-600, (seconds-600)*3); err != nil {
			return err
		}
	}
	// Nobody runs ten minutes at this speed: it counts, and waits for its review.
	return s.handIn(ctx, dailyID, oskarID, "running", now.Add(-2*time.Minute), 900, 7800)
}
