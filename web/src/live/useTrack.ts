import { View, type Client, type WorkoutSession } from '@fitmq/client'
import { useFitmq } from '@fitmq/react'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { learnNames } from '../ui/names'
import { emptyTrack, withAward, withBoard, withEvent, withRoster, withSample, type Track } from './track'

/** A session's course as a store: React is told at most once a frame, however many samples a frame brings. */
class TrackStore {
  track = emptyTrack
  readonly view = new View(() => this.track)

  set(track: Track): void {
    if (track === this.track) return
    this.track = track
    this.view.touch()
  }

  follow(session: WorkoutSession, client: Client): () => void {
    const offs = [
      session.onProgress((s) => this.set(withSample(this.track, s.userId, s, Date.now()))),
      session.onLeaderboard((b) => this.set(withBoard(this.track, b, Date.now()))),
      session.onParticipants((all) => {
        learnNames(all)
        this.set(withRoster(this.track, all))
      }),
      session.onEvent((e) => this.set(withEvent(this.track, e))),
      client.onAchievement((a) => this.set(withAward(this.track, a))),
    ]
    return () => {
      for (const off of offs) off()
      this.view.close()
    }
  }
}

/** The course of a session, from when it was opened. */
export function useTrack(session: WorkoutSession | undefined): Track {
  const client = useFitmq()
  const [store, setStore] = useState(() => new TrackStore())
  useEffect(() => {
    if (session === undefined) return
    const made = new TrackStore()
    setStore(made)
    return made.follow(session, client)
  }, [session, client])
  return useSyncExternalStore(store.view.subscribe, store.view.get)
}
