import { connect } from '@fitmq/client'

const fit = connect({ url: 'https://fit.example', getToken: () => fetch('/token').then((r) => r.text()) })
fit.onStatus(({ state, transport }) => console.log(state, transport))
fit.onError((error) => console.warn(error.code, error.reason, error.topic))

const session = fit.joinSession('morning-ride')
session.onParticipants((all) => console.log(all.map((p) => p.name)))
session.onProgress(({ userId, heartRate, speed }) => console.log(userId, heartRate, speed))
session.onLeaderboard((board) => console.log(board.entries[0]?.name, 'leads'))
session.updateProgress({ sport: 'cycling', heartRate: 141, distance: 5200, elapsedTime: 600 })
session.leave()

const challenge = fit.joinChallenge('november-100k')
challenge.onRank((mine) => console.log(mine.rank, 'of', mine.total))
await challenge.submitActivity({ activityId: 'run-7', sport: 'running', startTime: '2026-11-22T07:00:00Z', totalElapsedTime: 1918, totalDistance: 7242 })

const message = fit.sendMessage({ recipientId: 'tess', content: 'Legs are sore' })
await message            // stored: safe at the broker
await message.delivered  // a client of tess's has it
await message.read

const legs = fit.joinTraining('legs')
legs.onFormCorrection((c) => { console.log(c.joint, c.cue); void legs.seen(c.correctionId) })

await fit.close()
