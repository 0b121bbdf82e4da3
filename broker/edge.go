package broker

import (
	"github.com/fitmq/fitmq/config"
	"github.com/fitmq/fitmq/transport"
)

func transportLimits(c config.MQTT) transport.Limits {
	return transport.Limits{
		MaxPacket: int(c.MaxPacketSize), ConnectTimeout: c.ConnectTimeout.Std(),
		MaxConnections: c.MaxConnections, MaxPerAddress: c.MaxConnectionsPerAddress, ConnectRate: c.ConnectRate,
		PublishRate: c.PublishRate, PublishBytes: int(c.PublishBytes),
	}
}
