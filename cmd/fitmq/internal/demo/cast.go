package demo

import "strconv"

// The cast beside the athletes who ride: what each is there for is in its file.
const (
	// OperatorID is an administrator, for the console.
	OperatorID = "operator"
	hannaID    = "hanna" // runs nearby
	marcoID    = "marco" // rides nearby
	pavelID    = "pavel" // runs farther away
	idaID      = "ida"   // trains with Tess
	oskarID    = "oskar" // trains with Tess

	// trainingID is the training that Tess leads.
	trainingID = "strength"
	// dailyID is the challenge that starts anew every day.
	dailyID = "every-day-30"
	// groupID is the group that everybody writes in.
	groupID = "sunday-riders"
)

// account is somebody's, with a new password each time.
type account struct {
	id, name, role, password string
	maxHeartRate             float64 // where the heart-rate zones end, in bpm; 0: the server's default
}

// cast makes the accounts beside the riders'.
func cast(maxHeartRate float64) map[string]*account {
	list := []account{
		{id: TrainerID, name: "Tess Morgan", role: "trainer"},
		{id: WatcherID, name: "Alex Ray", role: "member", maxHeartRate: maxHeartRate},
		{id: OperatorID, name: "Robin Root", role: "admin"},
		{id: hannaID, name: "Hanna Lind", role: "member", maxHeartRate: 188},
		{id: marcoID, name: "Marco Rossi", role: "member", maxHeartRate: 181},
		{id: pavelID, name: "Pavel Novak", role: "member", maxHeartRate: 176},
		{id: idaID, name: "Ida Berg", role: "member", maxHeartRate: 196},
		{id: oskarID, name: "Oskar Maier", role: "member", maxHeartRate: 172},
	}
	all := make(map[string]*account, len(list))
	for i := range list {
		list[i].password = password()
		all[list[i].id] = &list[i]
	}
	return all
}

// rideTalk is what was written in the group, a line each with who said it, about
// ten rides: longer than one page of a conversation.
func rideTalk() (lines [][2]string) {
	routes := []string{"lake loop", "river path", "forest climb", "old railway", "harbour", "windmills", "hill villages", "canal", "vineyards", "ridge"}
	for i, route := range routes {
		km := strconv.Itoa(38 + 4*i)
		lines = append(lines,
			[2]string{marcoID, "Sunday: the " + route + ", " + km + " km. Who is in?"},
			[2]string{hannaID, "In! I bring a pump this time."},
			[2]string{idaID, "Me too, if it does not rain."},
			[2]string{WatcherID, "Count me in."},
			[2]string{TrainerID, "Easy pace until the coffee stop, please. Zone 2, nothing above."},
			[2]string{marcoID, "That was great. " + km + " km done, nobody got lost."},
		)
	}
	return append(lines,
		[2]string{hannaID, "Same time next Sunday?"},
		[2]string{idaID, "Yes! Who picks the route?"},
	)
}

// coachTalk is what Tess and you have written to each other.
var coachTalk = [][2]string{
	{TrainerID, "Welcome! Tell me how the first week went."},
	{WatcherID, "Good. The squats still feel shaky."},
	{TrainerID, "I saw it: your knees fall in on the way up. We work on that today."},
	{WatcherID, "How heavy?"},
	{TrainerID, "Half of last week, slowly. The session is open, I am there now."},
	{TrainerID, "Come in when you are warm. I send what I see while you train."},
}

// sessionTalk is what was said in sessions: where, by whom, what.
var sessionTalk = [][3]string{
	{SessionID, TrainerID, "Ten minutes easy, then whoever wants to race may."},
	{SessionID, TrainerID, "Watch out for the headwind on the back straight!"},
	{trainingID, TrainerID, "Three sets each. I tell you what I see."},
}

// answers are given, in turn, to who writes to somebody of the cast.
var answers = []string{
	"Sounds good!", "Let me check my week and tell you.", "Nice. How did it feel?", "I am in.", "Ha, same here.",
	"Rest well, and drink enough.", "See you there!",
}
