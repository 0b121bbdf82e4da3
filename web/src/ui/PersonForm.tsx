import { useId, useState, type FormEvent } from 'react'
import { strings } from '../strings'
import { idOf, useKnown } from './names'

interface Props {
  title: string
  button: string
  /** Who is not offered: those who are in already. */
  without?: readonly string[]
  onPick: (userId: string) => void
}

/** A field for somebody: an id, or the name of somebody whom one has met. */
export function PersonForm({ title, button, without = [], onPick }: Props) {
  const list = useId()
  const problem = useId()
  const known = useKnown()
  const [wrong, setWrong] = useState(false)
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const form = event.currentTarget
    const id = idOf(String(new FormData(form).get('person') ?? ''), known)
    setWrong(id === undefined)
    if (id === undefined) return
    form.reset()
    onPick(id)
  }
  return (
    <form className="person-form" onSubmit={submit} aria-label={title}>
      <label>
        {title}
        <input name="person" list={list} required autoCapitalize="none" autoComplete="off" spellCheck={false} placeholder={strings.person} aria-invalid={wrong} aria-describedby={problem} />
      </label>
      <datalist id={list}>
        {known.filter((k) => !without.includes(k.userId)).map((k) => <option key={k.userId} value={k.userId}>{k.name}</option>)}
      </datalist>
      <button type="submit" className="button">{button}</button>
      <p id={problem} className="problem" role="alert" hidden={!wrong}>{strings.nobody}</p>
    </form>
  )
}
