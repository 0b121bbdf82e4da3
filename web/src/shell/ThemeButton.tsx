import { strings } from '../strings'
import { nextTheme, setTheme, useTheme, type Theme } from './theme'

// A half disc, a sun, a moon: each one path in a box of 24.
const pictures: Record<Theme, string> = {
  auto: 'M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18',
  light: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M5 19l1.4-1.4M17.6 6.4L19 5',
  dark: 'M20 14.5A8 8 0 0 1 9.5 4 8 8 0 1 0 20 14.5z',
}

/** Goes through automatic, light and dark. */
export function ThemeButton() {
  const theme = useTheme()
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={strings.theme.button(strings.theme[theme])}
      title={strings.theme.button(strings.theme[theme])}
      data-theme-now={theme}
      onClick={() => setTheme(nextTheme(theme))}
    >
      <svg viewBox="0 0 24 24" aria-hidden="true"><path d={pictures[theme]} /></svg>
    </button>
  )
}
