package config

import "time"

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
	// ActivitiesPerDay is how many new activities and withdrawals a user may hand in
	// on one day (UTC), over all challenges; one more is refused with 0x97. Repeats
	// do not count. 0 sets no limit.
	ActivitiesPerDay int `yaml:"activitiesPerDay" unit:"activities" range:"0..1000000"`
	// ActivityBurst is how many of them may come at once; a faster one is refused
	// with 0x96. 0 sets no limit.
	ActivityBurst int `yaml:"activityBurst" unit:"activities" range:"0..1000000"`
	// ActivityInterval is after how long there may be one more.
	ActivityInterval Duration `yaml:"activityInterval" range:"1ms..24h"`
	// ChatBurst is how many chat messages a user may write at once, over all
	// conversations, and as many signs of typing; a faster one is refused with 0x96.
	// 0 sets no limit.
	ChatBurst int `yaml:"chatBurst" unit:"messages" range:"0..1000000"`
	// ChatRate is how many more a second.
	ChatRate int `yaml:"chatRate" unit:"per second" range:"1..1000000"`
	// BeaconInterval is the least time between two beacons of a user; another one
	// before is refused with 0x96. `0s` takes match.beaconInterval.
	BeaconInterval Duration `yaml:"beaconInterval" range:"0s..24h"`
}

// defaultQuota is any role's.
var defaultQuota = Quota{
	Subscriptions: 1000, ActivitiesPerDay: 100, ActivityBurst: 20, ActivityInterval: Duration(10 * time.Second), ChatBurst: 30, ChatRate: 5,
}
