package gateway

import (
	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/topics"
)

// workoutRoutes are those about what people did in sessions.
func (g *Gateway) workoutRoutes() []route {
	return []route{
		{"GET /sessions/{id}/summaries", g.listSummaries}, {"GET /sessions/{id}/summaries/{user}", g.getSummary},
		{"GET /users/{id}/workouts", g.listWorkouts},
	}
}

func (g *Gateway) listSummaries(r request) (reply, error) {
	id := r.PathValue("id")
	if err := g.maySession(r, topics.SessionParticipantsTopic(id)); err != nil {
		return reply{}, err
	}
	return pageFrom(r, func(after string, limit int) ([]engine.WorkoutSummary, string, error) {
		return g.o.Engine.Summaries(r.Context(), id, after, limit)
	})
}

func (g *Gateway) getSummary(r request) (reply, error) {
	id := r.PathValue("id")
	if err := g.maySession(r, topics.SessionParticipantsTopic(id)); err != nil {
		return reply{}, err
	}
	s, err := g.o.Engine.Summary(r.Context(), id, r.PathValue("user"))
	return reply{body: s}, err
}

func (g *Gateway) listWorkouts(r request) (reply, error) {
	return pageFrom(r, func(after string, limit int) ([]engine.WorkoutSummary, string, error) {
		return g.o.Engine.Workouts(r.Context(), r.actor(), r.PathValue("id"), after, limit)
	})
}
