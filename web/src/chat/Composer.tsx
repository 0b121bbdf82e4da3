import { useRef, type FormEvent, type KeyboardEvent } from 'react'
import { strings } from '../strings'

const t = strings.chat
const longest = 4000

interface Props {
  /** The text of the message that is edited; undefined for a new one. */
  editing: string | undefined
  onSend: (content: string) => void
  onTyping: (typing?: boolean) => void
  onCancel: () => void
}

/** Where one writes. Enter sends, with Shift it begins a new line, Escape ends an edit. */
export function Composer({ editing, onSend, onTyping, onCancel }: Props) {
  const form = useRef<HTMLFormElement>(null)
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const content = String(new FormData(event.currentTarget).get('content') ?? '').trim()
    if (content === '') return
    event.currentTarget.reset()
    onSend(content)
  }
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' && editing !== undefined) onCancel()
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    form.current?.requestSubmit()
  }
  return (
    <form className="composer" ref={form} onSubmit={submit} aria-label={editing === undefined ? t.message : t.editing}>
      {editing !== undefined && (
        <p className="fine composer-edit">
          {t.editing} <button type="button" className="link-button" onClick={onCancel}>{t.cancel}</button>
        </p>
      )}
      <textarea
        name="content"
        rows={1}
        maxLength={longest}
        aria-label={t.message}
        placeholder={t.message}
        defaultValue={editing}
        autoFocus={editing !== undefined}
        onKeyDown={onKey}
        onChange={(e) => onTyping(e.currentTarget.value !== '')}
      />
      <button type="submit" className="button">{editing === undefined ? t.send : t.save}</button>
    </form>
  )
}
