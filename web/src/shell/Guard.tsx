import { Component, type ReactNode } from 'react'
import { strings } from '../strings'

/** Shows a way on instead of a blank page when rendering fails. */
export class Guard extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false }

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true }
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children
    return (
      <div className="broken" role="alert">
        <p>{strings.broken}</p>
        <button type="button" className="button" onClick={() => location.reload()}>
          {strings.reload}
        </button>
      </div>
    )
  }
}
