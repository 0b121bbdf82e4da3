import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './App'
import { Guard } from './components/Guard'
import './styles/base.css'
import './styles/page.css'
import './styles/race.css'
import './styles/athletes.css'
import './styles/aside.css'

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root')
createRoot(root).render(
  <StrictMode>
    <Guard>
      <App />
    </Guard>
  </StrictMode>,
)
