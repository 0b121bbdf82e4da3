package gateway

// payloads are the schemas of what comes out of the log as it was stored: members
// that the description does not name are passed on.
var payloads = m{
	"Message": openObject("a chat message, as on chat/{conversation}/message", m{
		"type":         m{"type": "string", "const": "chat"},
		"content":      m{"type": "string", "maxLength": 4000, "description": "absent of a deleted one"},
		"senderId":     m{"type": "string"},
		"messageId":    m{"type": "string"},
		"seq":          m{"type": "integer", "minimum": 1, "description": "the place in the conversation, without a gap"},
		"timestamp":    m{"type": "string", "format": "date-time"},
		"conversation": m{"type": "string"},
		"sessionId":    m{"type": "string"},
		"recipientId":  m{"type": "string", "description": "of two, the other one"},
		"editedAt":     m{"type": "string", "format": "date-time"},
		"deletedAt":    m{"type": "string", "format": "date-time"},
	}, "type", "senderId", "messageId", "seq", "timestamp"),
	"Notification": openObject("a notification, as on user/{uid}/notification", m{
		"type":        m{"type": "string", "const": "notification"},
		"content":     m{"type": "string", "maxLength": 1000},
		"kind":        m{"type": "string"},
		"senderId":    m{"type": "string", "description": "$broker for the broker's own"},
		"recipientId": m{"type": "string"},
		"messageId":   m{"type": "string"},
		"timestamp":   m{"type": "string", "format": "date-time"},
		"expiresAt":   m{"type": "string", "format": "date-time"},
		"ttl":         m{"type": "number", "description": "s"},
		"collapseKey": m{"type": "string"},
		"priority":    m{"type": "string", "enum": []any{"normal", "urgent"}},
		"data":        m{"description": "what the sender likes"},
		"read":        m{"type": "boolean"},
	}, "type", "senderId", "messageId", "timestamp", "read"),
	"Activity": openObject("an activity, as on challenge/{cid}/activity", m{
		"activityId":       m{"type": "string", "maxLength": 64},
		"sport":            m{"type": "string"},
		"startTime":        m{"type": "string", "format": "date-time"},
		"totalElapsedTime": m{"type": "number", "minimum": 1, "maximum": 172800, "description": "s"},
		"totalTimerTime":   m{"type": "number", "minimum": 1, "maximum": 172801, "description": "s"},
		"totalDistance":    m{"type": "number", "minimum": 0, "maximum": 1000000, "description": "m"},
		"totalCalories":    m{"type": "number", "minimum": 0, "maximum": 30000, "description": "kcal"},
		"totalAscent":      m{"type": "number", "minimum": 0, "maximum": 50000, "description": "m"},
		"steps":            m{"type": "number", "minimum": 0, "maximum": 1000000},
		"repetitions":      m{"type": "number", "minimum": 0, "maximum": 100000},
		"avgHeartRate":     m{"type": "number", "minimum": 0, "maximum": 250, "description": "bpm"},
		"maxHeartRate":     m{"type": "number", "minimum": 0, "maximum": 250, "description": "bpm"},
		"avgPower":         m{"type": "number", "minimum": 0, "maximum": 3000, "description": "W"},
		"avgSpeed":         m{"type": "number", "minimum": 0, "maximum": 40, "description": "m/s"},
		"maxSpeed":         m{"type": "number", "minimum": 0, "maximum": 40, "description": "m/s"},
		"manual":           m{"type": "boolean"},
		"device":           m{"description": "what the sender likes"},
	}, "activityId"),
}

// openObject is one whose members may be more than those it names.
func openObject(about string, properties m, required ...string) m {
	return m{"type": "object", "description": about, "properties": properties, "required": required, "additionalProperties": true}
}
