package broker

import (
	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/config"
	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
)

// quotas are the configuration's in access's terms.
func quotas(c config.Quotas) map[access.Role]access.Quota {
	list := map[access.Role]access.Quota{}
	for role, q := range map[access.Role]config.Quota{
		access.Member: c.Member, access.Trainer: c.Trainer, access.Service: c.Service, access.Admin: c.Admin, access.Anonymous: c.Anonymous,
	} {
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
