package gateway

import (
	"maps"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/webhook"
)

// Parameters of lists, and of what was said.
var (
	paged = []string{"after", "limit"}
	said  = []string{"before", "after", "limit"}
)

// operations describe the routes. A route without one fails a test, and so does
// one without a route.
var operations = merged(operationsOfPeople, operationsOfSessions, operationsOfChallenges, operationsOfMessages, operationsOfOperators)

func merged(tables ...map[string]operation) map[string]operation {
	all := map[string]operation{}
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}

var operationsOfPeople = map[string]operation{
	"GET /me":      {summary: "Who the credentials stand for", answer: whoami{}},
	"POST /tokens": {summary: "A signed token for a user", about: "A token of one's own, for who has signed in with a password; anybody's for administrators, and for services anybody's but an administrator's.", body: tokenBody{}, need: []string{"userId"}, answer: issuedToken{}, status: 201, example: `{"userId":"ana","ttl":"15m"}`, refuses: []int{404}},

	"GET /users":                          {summary: "Users", about: "For administrators and services. Search finds the beginning of an id, or a part of a name; a page may be short and have a next.", query: append([]string{"search"}, paged...), answer: list[access.User]{}},
	"GET /users/{id}":                     {summary: "A user", about: "For the user, administrators and services.", answer: access.User{}, refuses: []int{404}},
	"PUT /users/{id}":                     {summary: "Make or change a user", about: "For administrators and services; administrators are changed by administrators alone. A password that is not given stays. Nobody takes their own role or disables themselves, and the last administrator who may sign in stays one.", body: userBody{}, need: []string{"role"}, answer: access.User{}, created: true, example: `{"name":"Ana Abel","role":"member","password":"correct horse"}`, refuses: []int{409}},
	"DELETE /users/{id}":                  {summary: "Delete a user", about: "Their connections and sessions end. Nobody deletes themselves, nor the last administrator.", refuses: []int{404, 409}},
	"GET /users/{id}/devices":             {summary: "A user's devices", query: paged, answer: list[access.Device]{}, refuses: []int{404}},
	"PUT /users/{id}/devices/{device}":    {summary: "Make a device, or give it a new secret", about: "The secret is shown this once.", answer: deviceSecret{}, created: true, refuses: []int{404}},
	"DELETE /users/{id}/devices/{device}": {summary: "Revoke a device", about: "Its connections end.", refuses: []int{404}},
	"GET /users/{id}/presence":            {summary: "Whether a user is there", about: "For the user, and whom they share it with.", answer: engine.Presence{}},
	"GET /users/{id}/preferences":         {summary: "A user's preferences", about: "For the user and administrators.", answer: engine.Preferences{}, refuses: []int{404}},
	"PUT /users/{id}/preferences":         {summary: "Change a user's preferences", about: "What is left out becomes the default.", body: engine.Preferences{}, answer: engine.Preferences{}, example: `{"units":"mile","notifications":{"off":["milestone"],"quiet":{"start":"22:00","end":"07:00","timeZone":"Europe/Berlin"}}}`, refuses: []int{404}},
	"DELETE /users/{id}/preferences":      {summary: "Back to the defaults", refuses: []int{404}},
	"GET /users/{id}/workouts":            {summary: "Summaries of a user's workouts, the newest first", about: "For the user and their trainers.", query: paged, answer: list[engine.WorkoutSummary]{}, refuses: []int{404}},

	"GET /links":                       {summary: "A trainer's clients", about: "For the trainer and administrators.", query: append([]string{"trainer"}, paged...), answer: list[engine.Client]{}, refuses: []int{404}},
	"GET /links/{trainer}/{client}":    {summary: "Whether the two are linked", answer: link{}, refuses: []int{404}},
	"PUT /links/{trainer}/{client}":    {summary: "Link a trainer and a client", about: "For the client, administrators and services: a trainer alone cannot.", answer: link{}, created: true, refuses: []int{404}},
	"DELETE /links/{trainer}/{client}": {summary: "End a link", about: "Either of the two may.", refuses: []int{404}},

	"GET /conversations":                        {summary: "My conversations", query: paged, answer: list[engine.Conversation]{}},
	"GET /conversations/{id}":                   {summary: "A conversation", about: "For its members.", answer: engine.Conversation{}, refuses: []int{404}},
	"PUT /conversations/{id}":                   {summary: "Make or change a group", about: "Its maker owns it and is a member; members are whom the maker may write to.", body: engine.ConversationSpec{}, answer: engine.Conversation{}, created: true, example: `{"title":"Crew","members":["ana","ben"]}`, refuses: []int{404}},
	"DELETE /conversations/{id}":                {summary: "Delete a group", refuses: []int{404}},
	"DELETE /conversations/{id}/members/{user}": {summary: "Leave, or take a member out", refuses: []int{404}},
	"GET /conversations/{id}/messages":          {summary: "What was said", about: "The newest without before or after; in a group, since I joined.", query: said, answer: engine.History{}, refuses: []int{404}},

	"GET /matches":                  {summary: "My partners, and proposals to be answered", answer: list[engine.Match]{}},
	"DELETE /matches/{partner}":     {summary: "Decline a proposal, or end a match", refuses: []int{404}},
	"GET /me/blocks":                {summary: "Whom I have blocked", query: paged, answer: list[string]{}},
	"PUT /me/blocks/{user}":         {summary: "Block a user", refuses: []int{404}},
	"DELETE /me/blocks/{user}":      {summary: "End a block", refuses: []int{404}},
	"GET /me/notifications":         {summary: "My notifications, the newest first", query: append([]string{"unread"}, paged...), answer: engine.Inbox{}},
	"POST /me/notifications/read":   {summary: "Mark notifications as read", body: reading{}, example: `{"messageIds":["plan-5"]}`, refuses: []int{404}},
	"DELETE /me/notifications/{id}": {summary: "Take a notification out of the inbox", refuses: []int{404}},
}

var operationsOfSessions = map[string]operation{
	"GET /sessions":                        {summary: "Sessions", about: "Those that are open, and those the caller is a member of.", query: paged, answer: list[engine.Session]{}},
	"GET /sessions/{id}":                   {summary: "A session", about: "For its members.", answer: engine.Session{}, refuses: []int{404}},
	"PUT /sessions/{id}":                   {summary: "Make or change a session", about: "Made by its host, or by a trainer as its trainer; changed by both.", body: engine.SessionSpec{}, need: []string{"host"}, answer: engine.Session{}, created: true, example: `{"kind":"training","title":"Leg day","host":"tess","trainer":"tess","visibility":"open","rankBy":"distance"}`, refuses: []int{404}},
	"DELETE /sessions/{id}":                {summary: "Delete a session", refuses: []int{404}},
	"GET /sessions/{id}/members":           {summary: "A session's members", about: "Flags are for host and trainer.", query: paged, answer: list[engine.Member]{}, refuses: []int{404}},
	"PUT /sessions/{id}/members/{user}":    {summary: "Put a member in", about: "Host and trainer put others in, everybody themselves where it is open.", refuses: []int{404}},
	"DELETE /sessions/{id}/members/{user}": {summary: "Take a member out", refuses: []int{404}},
	"POST /sessions/{id}/control":          {summary: "Start, pause, resume or end a session, or remove a participant", body: controlBody{}, need: []string{"action"}, example: `{"action":"start"}`, refuses: []int{404}},
	"GET /sessions/{id}/messages":          {summary: "What was said in a session", query: said, answer: engine.History{}, refuses: []int{404}},
	"GET /sessions/{id}/summaries":         {summary: "Summaries of a session's workouts", query: paged, answer: list[engine.WorkoutSummary]{}, refuses: []int{404}},
	"GET /sessions/{id}/summaries/{user}":  {summary: "The summary of a participant's workout", answer: engine.WorkoutSummary{}, refuses: []int{404}},
}

var operationsOfChallenges = map[string]operation{
	"GET /challenges":                                          {summary: "Challenges", about: "Those that are open, and those the caller takes part in.", query: paged, answer: list[engine.Challenge]{}},
	"GET /challenges/{id}":                                     {summary: "A challenge", answer: engine.Challenge{}, refuses: []int{404}},
	"PUT /challenges/{id}":                                     {summary: "Make or change a challenge", about: "By its organizer. A new definition judges all activities again.", body: engine.ChallengeSpec{}, need: []string{"organizer", "startsAt", "endsAt"}, answer: engine.Challenge{}, created: true, example: `{"title":"June","organizer":"tess","visibility":"open","metric":"distance","startsAt":"2026-06-01T00:00:00Z","endsAt":"2026-06-30T22:00:00Z","awards":[{"threshold":5000,"title":"5 km"}]}`, refuses: []int{404}},
	"DELETE /challenges/{id}":                                  {summary: "Delete a challenge", refuses: []int{404}},
	"GET /challenges/{id}/participants":                        {summary: "A challenge's participants", query: paged, answer: list[engine.Entrant]{}, refuses: []int{404}},
	"PUT /challenges/{id}/participants/{user}":                 {summary: "Join, or put a participant in", refuses: []int{404}},
	"DELETE /challenges/{id}/participants/{user}":              {summary: "Leave, or take a participant out", refuses: []int{404}},
	"GET /challenges/{id}/leaderboard":                         {summary: "A page of the board", about: "From offset, behind the cursor after, or around a user.", query: []string{"offset", "limit", "after", "around", "period"}, answer: engine.Board{}, refuses: []int{404, 422}},
	"GET /challenges/{id}/periods":                             {summary: "The periods of a repeating challenge, the oldest first", query: paged, answer: list[engine.PeriodStatus]{}, refuses: []int{404, 422}},
	"POST /challenges/{id}/rebuild":                            {summary: "Make the board again and compare", about: "For administrators.", answer: engine.Rebuilt{}, refuses: []int{404}},
	"GET /challenges/{id}/activities":                          {summary: "What was handed in", about: "For the organizer.", query: append([]string{"flagged"}, paged...), answer: list[engine.HandedIn]{}, refuses: []int{404}},
	"GET /challenges/{id}/activities/{user}":                   {summary: "What one participant has handed in", about: "For them and the organizer.", query: paged, answer: list[engine.HandedIn]{}, refuses: []int{404}},
	"DELETE /challenges/{id}/activities/{user}/{activity}":     {summary: "Withdraw an activity", about: "Its user and the organizer may.", refuses: []int{404}},
	"PUT /challenges/{id}/activities/{user}/{activity}/review": {summary: "Settle whether an activity counts", about: "For the organizer.", body: reviewBody{}, need: []string{"counted"}, answer: engine.HandedIn{}, example: `{"counted":false}`, refuses: []int{404}},
}

var operationsOfMessages = map[string]operation{
	"POST /publish":            {summary: "Publish a message", about: "By the same checks and the same way as over MQTT; it answers when the message is stored.", body: publishBody{}, need: []string{"topic"}, answer: published{}, example: `{"topic":"chat/ana.tess/message","payload":{"content":"Legs are sore"},"qos":1}`, refuses: []int{404}},
	"GET /retained":            {summary: "Retained messages", about: "What a subscription to the filter would be given at once, in order of the topics.", query: append([]string{"filter"}, paged...), answer: list[retainedMessage]{}},
	"GET /events":              {summary: "The MQTT session of a client as Server-Sent Events", about: "It is one connection of the session: whichever comes later takes it over. Events are open, message and end.", query: []string{"clientId", "filter", "qos", "expiry", "lastEventId"}, media: "text/event-stream", refuses: []int{409, 422}},
	"POST /ack":                {summary: "Confirm events up to one", about: "The answer means that neither MQTT nor a stream repeats them.", body: ackBody{}, need: []string{"clientId"}, example: `{"clientId":"phone","lastEventId":"dbb8e9mp7jls-2a"}`, refuses: []int{404}},
	"POST /subscribe":          {summary: "Add filters to a client's open event stream", body: subscribeBody{}, need: []string{"clientId", "filters"}, answer: grants{}, example: `{"clientId":"phone","filters":["user/ana/unread"],"qos":1}`},
	"POST /unsubscribe":        {summary: "Take filters from a client's open event stream", body: subscribeBody{}, need: []string{"clientId", "filters"}, answer: grants{}, example: `{"clientId":"phone","filters":["user/ana/unread"]}`},
	"GET /explain/{messageId}": {summary: "What became of a message, for each recipient", about: "For its sender and administrators.", query: []string{"topic"}, answer: explanation{}, refuses: []int{404, 422}},
}

var operationsOfOperators = map[string]operation{
	"GET /clients":                     {summary: "Clients, connected or not", query: append([]string{"search", "connected", "sort"}, paged...), answer: list[ClientInfo]{}},
	"GET /clients/{clientId}":          {summary: "A client", answer: ClientInfo{}, refuses: []int{404}},
	"DELETE /clients/{clientId}":       {summary: "Disconnect a client", about: "With session=true its session goes with all that waits.", query: []string{"session"}, refuses: []int{404}},
	"GET /clients/{clientId}/queue":    {summary: "What waits for a client", answer: QueueInfo{}, refuses: []int{404}},
	"GET /clients/{clientId}/trace":    {summary: "What a traced client has sent and was sent", query: []string{"after"}, answer: Trace{}, refuses: []int{404}},
	"PUT /clients/{clientId}/trace":    {summary: "Trace a client", about: "It ends when nobody reads it for two minutes.", answer: Trace{}, created: true, refuses: []int{404}},
	"DELETE /clients/{clientId}/trace": {summary: "End a trace", refuses: []int{404}},
	"GET /stats":                       {summary: "What the server does now", answer: Stats{}},
	"GET /refusals":                    {summary: "The latest refusals, the newest first", query: []string{"limit"}, answer: list[Refusal]{}},
	"GET /queues":                      {summary: "For which clients the most waits", about: "By bytes or messages; looked says how many of the sessions were counted.", query: []string{"by", "limit"}, answer: Queues{}},
	"GET /boards":                      {summary: "The largest boards, or the latest changed", query: []string{"search", "order", "limit"}, answer: list[engine.BoardInfo]{}},
	"POST /webhooks/{webhook}/retry":   {summary: "Tell a webhook now what waits", about: "Also one that pauses, or was stopped by a 410.", refuses: []int{404}},
	"GET /webhooks":                    {summary: "How webhooks are doing", answer: list[webhook.Status]{}},
	"GET /backup":                      {summary: "A copy of the data directory, for fitmq restore", about: "It is whole when its last entry is MANIFEST.json.", media: backupMedia, refuses: []int{409}},

	"GET /openapi.json": {summary: "This description", public: true, answer: anything{}},
	"GET /docs":         {summary: "This description as a page", public: true, media: "text/html"},
}

// anything is an object that is described elsewhere.
type anything map[string]any
