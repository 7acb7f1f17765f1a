/** Starts the page. */
import { render } from 'preact'
import 'uplot/dist/uPlot.min.css'
import './style/tokens.css'
import './style/base.css'
import './style/panels.css'
import './style/targets.css'
import { App } from './app.tsx'
import { startLoading } from './load.ts'
import { followHistory, followTheme } from './state.ts'

followTheme()
followHistory()
startLoading()
render(<App />, document.getElementById('app')!)
