package broker_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/broker/brokertest"
	"github.com/fitmq/fitmq/config"
	"github.com/fitmq/fitmq/tests/await"
)

// The people of the rights table, by one letter each.
//
//	session s1 (invite): host hana, trainer tim, members ana, ben, kim
//	challenge c1 (invite): organizer otto, participants ana, ben
//	links: tim and tess train ana; conversations: ana.ben, and the group crew of ben
//	ana has blocked kim, has a device, and is matched with pia, who is in nothing
var kinds = []struct {
	letter byte
	user   string // "" = not signed in
	role   string
}{
	{'-', "", ""},            // anonymous, where that is allowed
	{'o', "olga", "member"},  // a stranger
	{'b', "ben", "member"},   // member, participant, in conversations
	{'h', "hana", "member"},  // host of the session
	{'t', "tim", "trainer"},  // trainer of the session, linked to ana
	{'T', "tess", "trainer"}, // trainer, linked to ana
	{'u', "ulf", "trainer"},  // trainer, linked to nobody
	{'a', "ana", "member"},   // the named user
	{'d', "ana", "device"},   // a device of the named user
	{'g', "otto", "member"},  // organizer of the challenge
	{'k', "kim", "member"},   // member of the session, blocked by ana
	{'p', "pia", "member"},   // matched with ana as training partners
	{'s', "svc", "service"},  // a backend
	{'m', "admin", "admin"},  // administrator
}

// rightsTable is the topic tables of the wire contract by hand: who may publish,
// and who may subscribe to, be delivered and read. A letter that is not there is
// denied. Administrators and services (m, s) read everything but what is secret;
// they publish as anybody.
var rightsTable = []struct{ topic, publish, receive, payload string }{
	{"session/s1/info", "", "bhtadk sm", ""},
	{"session/s1/participants", "", "bhtadk sm", ""},
	{"session/s1/events", "", "bhtadk sm", ""},
	{"session/s1/progress/ana", "ad", "bhtadk sm", ""},
	{"session/s1/progress/ben", "b", "bhtadk sm", ""},
	{"session/s1/progress/olga", "", "bhtadk sm", ""}, // she is not in it
	{"session/s1/form/ana", "t", "adt sm", ""},
	{"session/s1/form/ben", "t", "bt sm", ""},
	{"session/s1/form/ana/seen", "ad", "t sm", ""},
	{"session/s1/leaderboard", "", "bhtadk sm", ""},
	{"session/s1/chat", "bhtak", "bhtadk sm", `{"content":"hi"}`}, // a device has nothing to say
	{"session/s1/control", "ht", "sm", ""},
	{"session/s1/secret", "", "sm", ""}, // no such row
	{"session/s1/progress/ana/x", "", "sm", ""},
	{"session/s9/info", "", "sm", ""}, // no such session
	{"challenge/c1/info", "", "badg sm", ""},
	{"challenge/c1/status", "", "badg sm", ""},
	{"challenge/c1/activity", "bad", "sm", anActivity}, // the organizer has none to hand in
	{"challenge/c1/leaderboard", "", "badg sm", ""},
	{"challenge/c1/rank/ana", "", "adtT sm", ""},
	{"challenge/c1/rank/ben", "", "b sm", ""},
	{"challenge/c1/rank/olga", "", "sm", ""},
	{"challenge/c1/achievements", "", "badg sm", ""},
	{"challenge/c9/leaderboard", "", "sm", ""},
	{"chat/ana.ben/message", "ab", "ab sm", `{"content":"hi"}`},
	{"chat/ana.ben/typing", "ab", "ab sm", `{"typing":true}`},
	{"chat/ana.ben/read", "ab", "sm", ""},
	{"chat/ben.ana/message", "", "sm", `{"content":"hi"}`}, // not in byte order
	{"chat/ana.kim/message", "", "ak sm", `{"content":"hi"}`},
	{"chat/ana.kim/typing", "", "ak sm", `{"typing":true}`},
	{"chat/ana.olga/message", "", "ao sm", `{"content":"hi"}`},  // strangers
	{"chat/ana.pia/message", "ap", "ap sm", `{"content":"hi"}`}, // matched
	{"chat/ana.pia/typing", "ap", "ap sm", `{"typing":true}`},
	{"chat/ana.pia/read", "ap", "sm", ""},
	{"chat/crew/message", "b", "b sm", `{"content":"hi"}`},
	{"chat/nobody/message", "", "sm", `{"content":"hi"}`},
	{"user/ana/chat/ana.ben", "", "ad sm", ""},
	{"user/ana/receipt", "", "ad sm", ""},
	{"user/ana/notification", "tTs", "ad sm", ""},
	{"user/ben/notification", "s", "b sm", ""},
	{"user/ana/achievement", "", "ad sm", ""},
	{"user/ana/match", "", "ad sm", ""},
	{"user/ana/unread", "", "ad sm", ""},
	{"user/ana/token", "a", "", ""},
	{"user/ana/error", "", "ad sm", ""},
	{"user/ana/presence", "", "adbhtTg sm", ""}, // linked, or in one session or challenge, not blocked
	{"user/ben/presence", "", "badhtkg sm", ""},
	{"user/ana/away", "a", "sm", ""},
	{"user/ana/notification/read", "a", "sm", ""},
	{"user/ana/else", "", "sm", ""},
	{"user/ana", "", "sm", ""},
	{"match/beacon", "obhtTuadgkp", "", ""},
	{"match/reply", "obhtTuagkp", "", ""},
	{"match/block", "obhtTuagkp", "", ""},
	{"match/else", "", "sm", ""},
	{"$SYS/broker/rights-test", "", "sm", ""},
	{"a/b", "", "sm", ""},
	{"Session/s1/info", "", "sm", ""}, // no fitness name
	{"/user/ana/error", "", "sm", ""},
}

// anActivity is one of half an hour ago.
var anActivity = fmt.Sprintf(`{"activityId":"run","sport":"running","startTime":%q,"totalElapsedTime":600,"totalDistance":1000}`,
	time.Now().UTC().Add(-30*time.Minute).Format(time.RFC3339))

// general tells the rows that --dev opens to everybody.
func general(topic string) bool { return topic == "a/b" || topic[0] == 'S' || topic[0] == '/' }

// rightsWorld makes the people and what relates them; it returns the secret of
// ana's device.
func rightsWorld(t *testing.T, s *brokertest.Server) (device string) {
	t.Helper()
	admin := func(method, path, body string, want int) []byte {
		t.Helper()
		return rest(t, s, "admin", s.Token, method, path, body, want)
	}
	for _, k := range kinds {
		if k.user != "" && k.role != "device" && k.role != "admin" {
			admin("PUT", "/users/"+k.user, fmt.Sprintf(`{"role":%q,"password":"%s-secret"}`, k.role, k.user), 201)
		}
	}
	admin("PUT", "/sessions/s1", `{"kind":"training","title":"Legs","host":"hana","trainer":"tim","visibility":"invite"}`, 201)
	for _, id := range []string{"ana", "ben", "kim"} {
		admin("PUT", "/sessions/s1/members/"+id, `{}`, 204)
	}
	now := time.Now().UTC()
	admin("PUT", "/challenges/c1", fmt.Sprintf(`{"title":"June","organizer":"otto","visibility":"invite","metric":"distance","startsAt":%q,"endsAt":%q}`,
		now.Add(-time.Hour).Format(time.RFC3339), now.Add(24*time.Hour).Format(time.RFC3339)), 201)
	for _, id := range []string{"ana", "ben"} {
		admin("PUT", "/challenges/c1/participants/"+id, `{}`, 204)
	}
	admin("PUT", "/links/tim/ana", `{}`, 201)
	admin("PUT", "/links/tess/ana", `{}`, 201)
	rest(t, s, "ben", "ben-secret", "PUT", "/conversations/crew", `{"title":"Crew","members":["ben"]}`, 201)
	rest(t, s, "ana", "ana-secret", "PUT", "/me/blocks/kim", `{}`, 204)
	matchUp(t, s, "ana", "pia")
	var made struct{ Secret string }
	if err := json.Unmarshal(admin("PUT", "/users/ana/devices/watch", `{}`, 201), &made); err != nil {
		t.Fatal(err)
	}
	return made.Secret
}

func TestRights_Table(t *testing.T) {
	for _, dev := range []bool{false, true} {
		name := map[bool]string{false: "Closed", true: "Dev"}[dev]
		t.Run(name, func(t *testing.T) {
			s := brokertest.Start(t, func(o *broker.Options) {
				o.Dev = dev
				o.Config.ACL.Rules = []config.ACLRule{{Allow: config.Both, Topic: "marker/#"}}
			})
			device := rightsWorld(t, s)
			for _, row := range rightsTable {
				s.Emit(row.topic, "kept", true)
			}
			s.Emit("marker/kept", "kept", true)
			admin := cell{t: t, s: s, letter: 'm', pass: s.Token}
			await.Until(t, "what was published is retained", func() bool {
				_, answer := admin.http("GET", "/retained?filter=marker/kept", "")
				return strings.Contains(answer, "marker/kept")
			})
			for _, k := range kinds {
				if k.user == "" && !dev {
					continue // is not let in: see TestRights_Anonymous
				}
				pass := k.user + "-secret"
				switch k.role {
				case "device":
					pass = device
				case "admin":
					pass = s.Token
				}
				c := cell{t: t, s: s, dev: dev, letter: k.letter, user: k.user, pass: pass}
				c.checkPublish()
				c.checkReceive(5)
				c.checkReceive(4)
				c.checkHTTP()
				c.checkEvents()
			}
		})
	}
}

func TestRights_Anonymous(t *testing.T) {
	s := brokertest.Start(t)
	for version, want := range map[byte]byte{5: 0x86, 4: 4} {
		if _, code := dial(t, s, version, "x", "", ""); code != want {
			t.Errorf("version %d: CONNACK %#x, want %#x", version, code, want)
		}
	}
	for _, path := range []string{"/retained?filter=a", "/me"} {
		res, err := http.Get("http://" + s.HTTP + "/api/v1" + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d, want 401", path, res.StatusCode)
		}
	}
}
