package gateway

import (
	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/engine"
)

// Parameters of lists.
var paged = []string{"after", "limit"}

// listOf is a list's shape in the description.
type listOf[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// grants is the answer of subscribe and unsubscribe.
type grants struct {
	Filters []Grant `json:"filters"`
}

// operations describe the routes. A route without one fails a test, and so does
// one without a route.
var operations = map[string]operation{
	"GET /openapi.json": {summary: "This description"},
	"GET /docs":         {summary: "This description as a page", media: "text/html"},
	"GET /me":           {summary: "Who the credentials stand for"},

	"GET /users":                          {summary: "Users", query: paged, answer: listOf[access.User]{}},
	"GET /users/{id}":                     {summary: "A user", answer: access.User{}},
	"PUT /users/{id}":                     {summary: "Make or change a user", body: userBody{}, answer: access.User{}},
	"DELETE /users/{id}":                  {summary: "Delete a user; their connections and sessions end"},
	"GET /users/{id}/devices":             {summary: "A user's devices", query: paged, answer: listOf[access.Device]{}},
	"PUT /users/{id}/devices/{device}":    {summary: "Make a device, or give it a new secret; the answer has the secret, this once"},
	"DELETE /users/{id}/devices/{device}": {summary: "Revoke a device"},
	"GET /users/{id}/presence":            {summary: "Whether a user is online, and when last seen", answer: engine.Presence{}},
	"GET /users/{id}/preferences":         {summary: "A user's preferences", answer: engine.Preferences{}},
	"PUT /users/{id}/preferences":         {summary: "Change a user's preferences", body: engine.Preferences{}, answer: engine.Preferences{}},
	"DELETE /users/{id}/preferences":      {summary: "Back to the defaults"},
	"GET /users/{id}/workouts":            {summary: "Summaries of a user's workouts", query: paged, answer: listOf[engine.WorkoutSummary]{}},
	"POST /tokens":                        {summary: "A signed token for a user", body: tokenBody{}},

	"GET /links":                       {summary: "A trainer's clients", query: append([]string{"trainer"}, paged...)},
	"GET /links/{trainer}/{client}":    {summary: "Whether the two are linked"},
	"PUT /links/{trainer}/{client}":    {summary: "Link a trainer and a client", status: 204},
	"DELETE /links/{trainer}/{client}": {summary: "End a link"},

	"GET /sessions":                        {summary: "Sessions", query: paged, answer: listOf[engine.Session]{}},
	"GET /sessions/{id}":                   {summary: "A session", answer: engine.Session{}},
	"PUT /sessions/{id}":                   {summary: "Make or change a session", body: engine.SessionSpec{}, answer: engine.Session{}},
	"DELETE /sessions/{id}":                {summary: "Delete a session"},
	"GET /sessions/{id}/members":           {summary: "A session's members", query: paged, answer: listOf[engine.Member]{}},
	"PUT /sessions/{id}/members/{user}":    {summary: "Put a member in", status: 204},
	"DELETE /sessions/{id}/members/{user}": {summary: "Take a member out"},
	"POST /sessions/{id}/control": {summary: "Start, pause, resume, end a session, or remove a participant", status: 204, body: struct {
		Action string `json:"action"`
		UserID string `json:"userId"`
	}{}},
	"GET /sessions/{id}/messages":         {summary: "What was said in a session", query: []string{"before", "after", "limit"}, answer: engine.History{}},
	"GET /sessions/{id}/summaries":        {summary: "Summaries of a session's workouts", query: paged, answer: listOf[engine.WorkoutSummary]{}},
	"GET /sessions/{id}/summaries/{user}": {summary: "The summary of a participant's workout", answer: engine.WorkoutSummary{}},

	"GET /challenges":                                          {summary: "Challenges", query: paged, answer: listOf[engine.Challenge]{}},
	"GET /challenges/{id}":                                     {summary: "A challenge", answer: engine.Challenge{}},
	"PUT /challenges/{id}":                                     {summary: "Make or change a challenge", body: engine.ChallengeSpec{}, answer: engine.Challenge{}},
	"DELETE /challenges/{id}":                                  {summary: "Delete a challenge"},
	"GET /challenges/{id}/participants":                        {summary: "A challenge's participants", query: paged, answer: listOf[engine.Entrant]{}},
	"PUT /challenges/{id}/participants/{user}":                 {summary: "Join, or put a participant in", status: 204},
	"DELETE /challenges/{id}/participants/{user}":              {summary: "Leave, or take a participant out"},
	"GET /challenges/{id}/leaderboard":                         {summary: "A page of the board", query: []string{"offset", "limit", "after", "around", "period"}, answer: engine.Board{}},
	"GET /challenges/{id}/periods":                             {summary: "The periods of a repeating challenge", query: paged},
	"POST /challenges/{id}/rebuild":                            {summary: "Make the board again and compare", answer: engine.Rebuilt{}},
	"GET /challenges/{id}/activities":                          {summary: "What was handed in", query: append([]string{"flagged"}, paged...), answer: listOf[engine.HandedIn]{}},
	"GET /challenges/{id}/activities/{user}":                   {summary: "What one participant has handed in", query: paged, answer: listOf[engine.HandedIn]{}},
	"DELETE /challenges/{id}/activities/{user}/{activity}":     {summary: "Withdraw an activity"},
	"PUT /challenges/{id}/activities/{user}/{activity}/review": {summary: "Settle whether an activity counts", answer: engine.HandedIn{}},

	"GET /conversations":                        {summary: "My conversations", query: paged, answer: listOf[engine.Conversation]{}},
	"GET /conversations/{id}":                   {summary: "A conversation", answer: engine.Conversation{}},
	"PUT /conversations/{id}":                   {summary: "Make or change a group", body: engine.ConversationSpec{}, answer: engine.Conversation{}},
	"DELETE /conversations/{id}":                {summary: "Delete a group"},
	"DELETE /conversations/{id}/members/{user}": {summary: "Leave, or take a member out"},
	"GET /conversations/{id}/messages":          {summary: "What was said", query: []string{"before", "after", "limit"}, answer: engine.History{}},
	"GET /matches":                              {summary: "My partners and proposals"},
	"DELETE /matches/{partner}":                 {summary: "End a match"},
	"GET /me/blocks":                            {summary: "Whom I have blocked", query: paged, answer: listOf[string]{}},
	"PUT /me/blocks/{user}":                     {summary: "Block a user", status: 204},
	"DELETE /me/blocks/{user}":                  {summary: "End a block"},
	"GET /me/notifications":                     {summary: "My notifications", query: append([]string{"unread"}, paged...)},
	"POST /me/notifications/read":               {summary: "Mark notifications as read"},
	"DELETE /me/notifications/{id}":             {summary: "Delete a notification"},

	"POST /publish":     {summary: "Publish a message, by the same checks and the same way as over MQTT", body: publishBody{}, answer: published{}},
	"GET /retained":     {summary: "Retained messages", query: append([]string{"filter"}, paged...), answer: listOf[retainedMessage]{}},
	"GET /events":       {summary: "The MQTT session of a client as Server-Sent Events", query: []string{"clientId", "filter", "qos", "expiry", "lastEventId"}, media: "text/event-stream"},
	"POST /ack":         {summary: "Confirm events up to one", body: ackBody{}, status: 204},
	"POST /subscribe":   {summary: "Add filters to a client's open event stream", body: subscribeBody{}, answer: grants{}},
	"POST /unsubscribe": {summary: "Take filters from a client's open event stream", body: subscribeBody{}, answer: grants{}},

	"GET /clients":                     {summary: "Clients, connected or not", query: append([]string{"search", "connected", "sort"}, paged...), answer: listOf[ClientInfo]{}},
	"GET /clients/{clientId}":          {summary: "A client", answer: ClientInfo{}},
	"DELETE /clients/{clientId}":       {summary: "Disconnect a client; with session=true discard its session", query: []string{"session"}},
	"GET /clients/{clientId}/queue":    {summary: "What waits for a client", answer: QueueInfo{}},
	"GET /clients/{clientId}/trace":    {summary: "What a traced client has sent and was sent", query: []string{"after"}, answer: Trace{}},
	"PUT /clients/{clientId}/trace":    {summary: "Trace a client; it ends when nobody reads it for two minutes", answer: Trace{}},
	"DELETE /clients/{clientId}/trace": {summary: "End a trace"},
	"GET /stats":                       {summary: "What the server does now", answer: Stats{}},
	"GET /refusals":                    {summary: "The latest refusals", query: []string{"limit"}, answer: listOf[Refusal]{}},
	"GET /backup":                      {summary: "A copy of the data directory, for fitmq restore", media: backupMedia},
	"GET /explain/{messageId}": {summary: "What became of a message, for each recipient", query: []string{"topic"}, answer: struct {
		MessageID string      `json:"messageId"`
		Messages  []Explained `json:"messages"`
	}{}},
}
