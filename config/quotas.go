package config

// Quotas are what one user of a role may take at most.
type Quotas struct {
	// Member is for members, and for everybody's devices.
	Member Quota `yaml:"member"`
	// Trainer is for trainers.
	Trainer Quota `yaml:"trainer"`
	// Service is for backends.
	Service Quota `yaml:"service"`
	// Admin is for administrators.
	Admin Quota `yaml:"admin"`
	// Anonymous is for who is not signed in. The rates are for each client by its id,
	// over HTTP for all together; the connections for all together.
	Anonymous Quota `yaml:"anonymous"`
}

// Quota is what one user may take.
type Quota struct {
	// PublishRate is how many messages a second a user may publish, over all
	// connections and HTTP together, after a first second's worth. Further ones are
	// refused with 0x96, HTTP 429. 0 sets no limit.
	PublishRate int `yaml:"publishRate" unit:"per second" range:"0..10000000"`
	// PublishBytes is the same for bytes a second, of topics and payloads. `0B` sets
	// no limit.
	PublishBytes Size `yaml:"publishBytes" range:"0B..64GiB"`
	// Connections is how many clients of one user may be connected at once; one more
	// is refused with 0x97. 0 sets no limit.
	Connections int `yaml:"connections" unit:"connections" range:"0..10000000"`
	// Subscriptions is how many subscriptions one client may have; one more is
	// refused with 0x97.
	Subscriptions int `yaml:"subscriptions" unit:"subscriptions" range:"1..100000"`
}

// defaultQuota is any role's.
var defaultQuota = Quota{Subscriptions: 1000}
