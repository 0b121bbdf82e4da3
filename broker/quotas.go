package broker

import (
	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/config"
	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/engine"
)

// byRole are the configuration's quotas by role.
func byRole(c config.Quotas) map[access.Role]config.Quota {
	return map[access.Role]config.Quota{
		access.Member: c.Member, access.Trainer: c.Trainer, access.Service: c.Service, access.Admin: c.Admin, access.Anonymous: c.Anonymous,
	}
}

// allowances are what is for the domain in the configuration's quotas, in the
// engine's terms.
func allowances(c config.Quotas) map[string]engine.Allowance {
	list := map[string]engine.Allowance{}
	for role, q := range byRole(c) {
		list[string(role)] = engine.Allowance{
			ActivityBurst: orNever(q.ActivityBurst), ActivityInterval: q.ActivityInterval.Std(), ActivityDaily: orNever(q.ActivitiesPerDay),
			ChatBurst: float64(orNever(q.ChatBurst)), ChatRate: float64(q.ChatRate), BeaconInterval: q.BeaconInterval.Std(),
		}
	}
	return list
}

// orNever is the engine's word for the configuration's 0, no limit: the engine's
// own zero is the default.
func orNever(limit int) int {
	if limit == 0 {
		return -1
	}
	return limit
}

// quotas are the configuration's in access's terms.
func quotas(c config.Quotas) map[access.Role]access.Quota {
	list := map[access.Role]access.Quota{}
	for role, q := range byRole(c) {
		list[role] = access.Quota{Publishes: q.PublishRate, Bytes: int(q.PublishBytes), Connections: q.Connections, Subscriptions: q.Subscriptions}
	}
	return list
}

// allowance answers the data plane's questions about quotas.
type allowance struct {
	rights *rights
	left   *access.Allowances
}

const tooFast = "published too fast: "

// Publish implements delivery.Allowance.
func (a *allowance) Publish(c *delivery.Client, topic string, payload int) (wire.Code, string, bool) {
	if !a.left.Paced() {
		return wire.Success, "", false
	}
	o := a.left.Take(a.rights.identity(c), topic, payload)
	if o == nil {
		return wire.Success, "", false
	}
	return wire.MessageRateTooHigh, tooFast + o.Reason, !o.Tell
}

// Subscriptions implements delivery.Allowance.
func (a *allowance) Subscriptions(c *delivery.Client) int {
	return a.left.Quota(a.rights.identity(c)).Subscriptions
}

// Connections implements delivery.Allowance.
func (a *allowance) Connections(c *delivery.Client) int {
	return a.left.Quota(a.rights.identity(c)).Connections
}
