import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './App'
import { Guard } from './shell/Guard'
import { startTheme } from './shell/theme'
import './styles/base.css'
import './styles/forms.css'
import './styles/shell.css'
import './styles/page.css'
import './styles/race.css'
import './styles/athletes.css'
import './styles/aside.css'
import './styles/session.css'
import './styles/training.css'
import './styles/chat.css'
import './styles/partners.css'
import './styles/inbox.css'

startTheme()
const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root')
createRoot(root).render(
  <StrictMode>
    <Guard>
      <App />
    </Guard>
  </StrictMode>,
)
