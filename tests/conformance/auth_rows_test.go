package conformance_test

import (
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// tokenSecret signs the tokens that a broker of the kind signing takes.
const tokenSecret = "a secret of at least thirty-two bytes"

// tokenMethod is the authentication method that the broker offers.
const tokenMethod = "JWT"

// token is a token for the user, who need not be known.
func (e *env) token(user string, life time.Duration) string {
	s, err := signToken(user, life)
	if err != nil {
		e.Fatalf("sign a token: %v", err)
	}
	return s
}

func signToken(user string, life time.Duration) (string, error) {
	now := time.Now()
	claims := jwt.MapClaims{"sub": user, "iat": now.Unix(), "exp": now.Add(life).Unix()}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(tokenSecret))
}

func methodAndData(token string) []byte {
	return cat(word(pAuthMethod, tokenMethod), word(pAuthData, token))
}

// auth is an AUTH packet.
func auth(code byte, props ...[]byte) []byte { return frame(tAUTH<<4, []byte{code}, list(props...)) }

// authenticated opens a connection whose CONNECT names the method, for a user of
// the row's own.
func (e *env) authenticated(name string) *client {
	return e.open(connect{id: e.id(name), clean: true, props: methodAndData(e.token(e.unique, time.Hour))})
}

// authRows are about AUTH and authentication methods.
var authRows = []row{
	{v5: "MQTT-4.12.0-7 MQTT-4.12.0-6", name: "AUTH without a method in CONNECT ends the connection", run: func(e *env) {
		for _, packet := range [][]byte{
			{0xf0, 0}, auth(authContinue, word(pAuthMethod, "x")), auth(authAgain, word(pAuthMethod, "x")), auth(ok),
		} {
			c := e.client("c")
			c.send(packet)
			c.ended(protocolError)
		}
	}},
	{v5: "MQTT-4.12.0-7", broker: signing, name: "a token as the password is no authentication method", run: func(e *env) {
		user, token := e.unique, e.token(e.unique, time.Hour)
		c := e.open(connect{id: e.id("c"), clean: true, user: &user, password: &token})
		if c.connack.props.has(pAuthMethod) {
			e.Errorf("CONNACK names a method that CONNECT has not named [MQTT-4.12.0-6]")
		}
		c.send(auth(authAgain, methodAndData(token)))
		c.ended(protocolError)
	}},
	{v5: "MQTT-4.12.0-1 MQTT-3.1.4-6", name: "a client whose method is unknown is not served", run: func(e *env) {
		for _, method := range []string{"ROT-13", "", "jwt"} {
			w, c := e.client("w"), e.dial()
			w.subscribe(e.topic("a"), 1)
			c.send((&connect{id: e.id("c"), clean: true, props: cat(word(pAuthMethod, method), word(pAuthData, "x"))}).encode(v5),
				auth(authContinue, word(pAuthMethod, method)),
				(&publish{topic: e.topic("a"), payload: "x", qos: 1, id: 1}).encode(v5))
			c.refused(badAuthMethod, closed)
			w.nothingFrom(e.client("p"))
		}
	}},
	{v5: "MQTT-4.12.0-4", broker: signing, name: "a CONNECT whose authentication data prove nothing is refused", run: func(e *env) {
		for _, props := range [][]byte{
			word(pAuthMethod, tokenMethod), methodAndData(""), methodAndData("nonsense"), methodAndData(e.token(e.unique, -time.Hour)),
		} {
			c := e.dial()
			c.send((&connect{id: e.id("c"), clean: true, props: props}).encode(v5))
			c.refused(badUserNameOrPassword, closed)
		}
	}},
	{v5: "MQTT-4.12.0-5 MQTT-3.15.2-1", broker: signing, name: "CONNACK and AUTH name the method of CONNECT", run: func(e *env) {
		c := e.authenticated("c")
		if got := c.connack.props.text(e, pAuthMethod); got != tokenMethod {
			e.Errorf("CONNACK names the method %q", got)
		}
		for range 3 {
			c.send(auth(authAgain, methodAndData(e.token(e.unique, time.Hour))))
			if a := c.answer(tAUTH); a.code != ok || a.props.text(e, pAuthMethod) != tokenMethod {
				e.Errorf("AUTH is %+v", a)
			}
		}
		c.subscribe(e.topic("a"), 1)
		c.say(e.topic("a"), "x", 0)
		c.expect(e.topic("a"), "x")
	}},
	{v5: "MQTT-3.1.2-30", broker: signing, name: "nothing comes before CONNACK where a method is named", run: func(e *env) {
		w := e.client("w")
		w.subscribe(e.topic("a"), 1)
		props := methodAndData(e.token(e.unique, time.Hour))
		for _, hasty := range [][]byte{
			(&publish{topic: e.topic("a"), payload: "x", qos: 1, id: 1}).encode(v5), subscribe(v5, 1, nil, option{e.topic("b"), 0}), pingreq,
		} {
			c := e.dial()
			c.send((&connect{id: e.id("c"), clean: true, props: props}).encode(v5), hasty)
			c.refused(protocolError, closed)
		}
		w.nothingFrom(e.client("p"))
		c := e.dial()
		c.connect(connect{id: e.id("c"), clean: true, props: props})
		c.bye()
	}},
	{v5: "MQTT-4.12.1-1", broker: signing, name: "re-authentication keeps to the method of CONNECT", run: func(e *env) {
		for _, method := range []string{"ROT-13", "", "jwt"} {
			c := e.authenticated("c")
			c.send(auth(authAgain, word(pAuthMethod, method), word(pAuthData, e.token(e.unique, time.Hour))))
			c.ended(protocolError)
		}
	}},
	{v5: "MQTT-4.12.1-2", broker: signing, name: "a failed re-authentication ends the connection, and the will is due", run: func(e *env) {
		w := e.watch()
		for _, props := range [][]byte{
			word(pAuthMethod, tokenMethod), methodAndData("nonsense"),
			methodAndData(e.token(e.unique, -time.Hour)), methodAndData(e.token(e.unique+"other", time.Hour)),
		} {
			c := e.open(connect{
				id: e.id("c"), clean: true, props: methodAndData(e.token(e.unique, time.Hour)),
				will: &will{topic: e.topic("will"), payload: "x", qos: 1},
			})
			c.send(auth(authAgain, props))
			c.ended(notAuthorized)
			w.expect(e.topic("will"), "x")
		}
	}},
	{v5: "MQTT-4.12.1-2", broker: signing, name: "what is sent behind AUTH is answered all the same", run: func(e *env) {
		c := e.authenticated("c")
		c.send(auth(authAgain, methodAndData(e.token(e.unique, time.Hour))), pingreq, subscribe(v5, 7, nil, option{e.topic("a"), 1}))
		got := map[byte]int{}
		for range 3 {
			p, err := c.read()
			if err != nil {
				e.Fatalf("after %v: %v", got, err)
			}
			got[p.typ()]++
		}
		if got[tAUTH] != 1 || got[tPINGRESP] != 1 || got[tSUBACK] != 1 {
			e.Errorf("got packets of the types %v", got)
		}
		c.sync()
	}},
	{v5: "MQTT-3.15.2-1 MQTT-4.12.0-3", broker: signing, name: "a client's AUTH has a client's code, in its turn", run: func(e *env) {
		for _, code := range []byte{ok, authContinue, 0x01, 0x1a, 0x80, notAuthorized, 0xff} {
			c := e.authenticated("c")
			c.send(auth(code, methodAndData(e.token(e.unique, time.Hour))))
			c.ended(protocolError)
		}
		c := e.authenticated("c")
		c.send([]byte{0xf0, 0})
		c.ended(protocolError)
	}},
	{v5: "MQTT-4.13.1-1", broker: signing, name: "a malformed AUTH ends the connection", run: func(e *env) {
		method := word(pAuthMethod, tokenMethod)
		for name, bad := range map[string]struct {
			packet []byte
			code   byte
		}{
			"without properties":         {frame(tAUTH<<4, []byte{authAgain}), malformed},
			"without a method":           {auth(authAgain), protocolError},
			"with its method twice":      {auth(authAgain, method, method), protocolError},
			"with its data twice":        {auth(authAgain, method, word(pAuthData, "x"), word(pAuthData, "x")), protocolError},
			"with a property of CONNECT": {auth(authAgain, method, num32(pSessionExpiry, 1)), malformed},
			"with a bad user property":   {auth(authAgain, method, pair("a", "\xff")), malformed},
			"with bytes behind":          {frame(tAUTH<<4, []byte{authAgain}, list(method), []byte("x")), malformed},
			"whose list is cut":          {frame(tAUTH<<4, []byte{authAgain, 60}, method), malformed},
		} {
			c := e.authenticated("c")
			c.send(bad.packet)
			if a := c.answer(tDISCONNECT); a.code != bad.code {
				e.Errorf("AUTH %s: DISCONNECT has 0x%02x, want 0x%02x", name, a.code, bad.code)
			}
			c.eof()
		}
	}},
	{v5: "MQTT-3.15.2-2 MQTT-3.15.2-3", broker: signing, name: "AUTH keeps to Maximum Packet Size", run: func(e *env) {
		const most = 64
		c := e.open(connect{id: e.id("c"), clean: true, props: cat(num32(pMaximumPacketSize, most), methodAndData(e.token(e.unique, time.Hour)))})
		c.send(auth(authAgain, methodAndData(e.token(e.unique, time.Hour))))
		if a := c.answer(tAUTH); a.size > most || a.props.has(pReasonString) || a.props.has(pUser) {
			e.Errorf("AUTH is %+v, the client takes %d bytes", a, most)
		}
		c.sync()
	}},
}

// TestSignToken keeps the rows honest: what they call a good token is one.
func TestSignToken(t *testing.T) {
	if _, err := signToken("ana", time.Hour); err != nil || len(tokenSecret) < 32 {
		t.Fatalf("got %v with a secret of %d bytes", err, len(tokenSecret))
	}
}
