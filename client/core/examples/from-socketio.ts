import { connect } from '@fitmq/client'

const socket = connect({ url: 'https://fit.example', getToken: () => fetch('/token').then((r) => r.text()) })
socket.onStatus(({ state, transport, error }) => console.log(state, transport, error?.reason)) // connect, disconnect, reconnect_attempt
socket.onError((error) => console.warn(error.code, error.reason)) // connect_error, and every refusal

const workout = socket.joinSession('morning-ride') // socket.emit('join', id): the room
const off = workout.onParticipantJoined((e) => console.log(e.name)) // socket.on('participant-joined', fn)
workout.updateProgress({ sport: 'running', heartRate: 141 }) // socket.volatile.emit('progress', data)
off() // socket.off('participant-joined', fn)
workout.leave() // socket.emit('leave', id), with all of its listeners

const sent = socket.sendMessage({ recipientId: 'tess', content: 'Legs are sore' })
await sent // await socket.emitWithAck('message', data): stored, safe against a crash
await sent.delivered // and what an acknowledgement never told: a client of tess's has it

const lamps = socket.subscribe<{ on: boolean }>('lamp/+', ({ topic, payload }) => console.log(topic, payload.on)) // events of your own
await socket.publish('lamp/1', { on: true })
lamps.close()
await socket.close() // socket.disconnect()
