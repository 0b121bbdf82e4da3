import { FitmqError, asFitmqError } from './errors.js'

/** How one signs in: a token, a function that gets one, or a user name and password. */
export interface SignIn {
  token?: string | undefined
  /** Gets a fresh token from the application's own backend. Called again before the last one expires. */
  getToken?: (() => string | Promise<string>) | undefined
  username?: string | number | undefined
  password?: string | undefined
  /** The user's id where neither token nor user name tells it. */
  userId?: string | number | undefined
}

/** Who signs in, and with what. */
export interface Credential {
  user: string
  secret: string
  bearer: boolean
  /** When it expires, in ms since 1970 by this device's clock. */
  expires: number | undefined
}

/**
 * A token is renewed when this share of its life is left, but this long before its end at least, in ms; a short-lived
 * one in the middle of its life, and never sooner than this, or a backend that gives out old tokens is asked all the time.
 */
const renewShare = 0.2
const renewAtLeast = 10_000
const renewSoonest = 500

/** What a token says of itself. It is not checked here: that is the broker's part. */
export function readToken(token: string): { sub?: string; exp?: number; iat?: number } {
  try {
    const part = token.split('.')[1] ?? ''
    const bytes = Uint8Array.from(atob(part.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0))
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return typeof claims === 'object' && claims !== null ? claims : {}
  } catch {
    return {} // not a JSON Web Token, for example the administrator's
  }
}

/**
 * When a token runs out by this device's clock, which may be wrong: a token that is not valid yet, or not any more, the
 * moment it comes, is taken for fresh and counts from now on. Undefined where only the broker can tell.
 */
function expiry({ exp, iat }: { exp?: number; iat?: number }, now: number): number | undefined {
  if (exp === undefined) return undefined
  const skewed = exp * 1000 <= now || (iat ?? 0) * 1000 > now
  if (!skewed) return exp * 1000
  return iat === undefined ? undefined : now + (exp - iat) * 1000
}

/** Holds the present credential and knows how to get the next one. */
export class Credentials {
  #current: Credential | undefined
  #getting: Promise<Credential> | undefined

  constructor(private readonly how: SignIn) {
    if (how.getToken === undefined && how.token === undefined && (how.username === undefined || how.password === undefined)) {
      throw new FitmqError('sign-in', 'connect needs a token, getToken, or username and password')
    }
    if (how.token !== undefined || how.getToken === undefined) this.#current = this.#make(how.token ?? how.password ?? '')
  }

  /** Whether there is a way to a fresh token. */
  get renewable(): boolean {
    return this.how.getToken !== undefined
  }

  /** The user's id, as soon as it is known. */
  get user(): string | undefined {
    return this.#current?.user ?? (this.how.userId ?? this.how.username)?.toString()
  }

  /** The credential, from getToken where there is none yet or the last one has run out. */
  get(): Promise<Credential> {
    const c = this.#current
    if (c && !(this.renewable && c.expires !== undefined && c.expires <= Date.now())) return Promise.resolve(c)
    return this.renew()
  }

  /** Gets a fresh token; several who ask at once get the same. */
  renew(): Promise<Credential> {
    const { getToken } = this.how
    if (getToken === undefined) return this.get()
    this.#getting ??= (async () => {
      try {
        return (this.#current = this.#make(await getToken()))
      } catch (error) {
        throw error instanceof FitmqError ? error : new FitmqError('network', `getToken: ${asFitmqError(error).reason}`, { cause: error })
      } finally {
        this.#getting = undefined
      }
    })()
    return this.#getting
  }

  /** Drops what the broker has refused. */
  forget(): void {
    if (this.renewable) this.#current = undefined
  }

  /** The Authorization header. */
  async header(): Promise<string> {
    const { user, secret, bearer } = await this.get()
    if (bearer) return `Bearer ${secret}`
    return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`${user}:${secret}`)))}`
  }

  /** In how many ms to renew, or undefined for never. */
  renewIn(): number | undefined {
    const { expires } = this.#current ?? {}
    if (!this.renewable || expires === undefined) return undefined
    const left = expires - Date.now()
    return Math.max(renewSoonest, left / 2, left - Math.max(renewAtLeast, left * renewShare))
  }

  #make(secret: string): Credential {
    if (typeof secret !== 'string' || secret === '') throw new FitmqError('sign-in', 'the token is empty')
    const bearer = this.how.token !== undefined || this.how.getToken !== undefined
    const claims = bearer ? readToken(secret) : {}
    const user = this.how.userId ?? claims.sub ?? this.how.username ?? (bearer ? 'admin' : undefined)
    if (user === undefined) throw new FitmqError('sign-in', 'the token names no user')
    return { user: String(user), secret, bearer, expires: expiry(claims, Date.now()) }
  }
}
