import { useState } from 'react'
import { strings } from '../strings'

/** A button for what cannot be undone: it asks once more in its own place. */
export function Confirm({ label, name, question, onYes }: { label: string; name?: string; question: string; onYes: () => void }) {
  const [asked, setAsked] = useState(false)
  if (!asked) return <button type="button" className="quiet-button" aria-label={name} onClick={() => setAsked(true)}>{label}</button>
  return (
    <span className="confirm" role="group" aria-label={question}>
      <span>{question}</span>
      <button
        type="button"
        className="quiet-button danger"
        autoFocus
        onClick={() => {
          setAsked(false)
          onYes()
        }}
      >
        {strings.yes}
      </button>
      <button type="button" className="quiet-button" onClick={() => setAsked(false)}>{strings.no}</button>
    </span>
  )
}
