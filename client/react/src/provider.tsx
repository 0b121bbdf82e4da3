import { connect, type Client, type ConnectOptions, type Status } from '@fitmq/client'
import { createContext, useContext, useEffect, useState, useSyncExternalStore, type ReactNode } from 'react'

const Context = createContext<Client | undefined>(undefined)

/** Gives the components below it a client that the application has made, and closes. */
export function FitmqProvider({ client, children }: { client: Client; children?: ReactNode }): ReactNode {
  // React 18 knows no <Context>.
  return <Context.Provider value={client}>{children}</Context.Provider>
}

/**
 * Connects for as long as it is mounted, and gives the client to the components below it; they are mounted when it is
 * there. Options are looked at when the key changes: the user's id, for example.
 */
export function FitmqConnection({ options, children }: { options: ConnectOptions; children?: ReactNode }): ReactNode {
  const [client, setClient] = useState<Client>()
  useEffect(() => {
    const made = connect(options)
    setClient(made)
    return () => {
      setClient(undefined)
      void made.close()
    }
    // A new object with the same options at every render is no reason to connect anew.
  }, [])
  return client === undefined ? null : <FitmqProvider client={client}>{children}</FitmqProvider>
}

/** The client that a provider gives. */
export function useFitmq(): Client {
  const client = useContext(Context)
  if (client === undefined) throw new Error('useFitmq needs a FitmqProvider or a FitmqConnection above it')
  return client
}

/** How it stands with the connection. */
export function useConnection(): Status {
  const { statusStore } = useFitmq()
  return useSyncExternalStore(statusStore.subscribe, statusStore.get, statusStore.get)
}
