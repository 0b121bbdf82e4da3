import { type Client, type MatchState, type PartnerFinder } from '@fitmq/client'
import { useFitmq } from '@fitmq/react'
import { useSyncExternalStore } from 'react'

/** The search goes on while one is in other rooms: it ends with the client, or when one stops it. */
const finders = new WeakMap<Client, PartnerFinder>()

function finderOf(client: Client): PartnerFinder {
  const known = finders.get(client)
  if (known !== undefined) return known
  const made = client.findPartner()
  finders.set(client, made)
  return made
}

/** The search for a partner. */
export function useFinder(): MatchState & { finder: PartnerFinder } {
  const finder = finderOf(useFitmq())
  return { ...useSyncExternalStore(finder.state.subscribe, finder.state.get), finder }
}
