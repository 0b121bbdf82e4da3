import { Chart } from './Chart'
import { bytes, count, span } from './format'
import { Fact, Table, Waiting, href } from './parts'
import { usePoll, type Asked } from './poll'
import { Storage } from './Storage'
import { strings } from './strings'
import type { Gate, Page, Sample, Stats, Webhook } from './types'

const t = strings.overview

/** How the server is doing: what there is, the last two minutes, and what was dropped or refused. */
export function Overview({ gate, stats }: { gate: Gate; stats: Asked<Stats> }) {
  const hooks = usePoll<Page<Webhook>>(gate, '/webhooks', 10_000)
  const s = stats.value
  return (
    <>
      <Waiting of={stats} />
      {s !== undefined && (
        <>
          <Facts stats={s} hooks={hooks.value?.items} />
          <Storage of={s.storage} now={Date.parse(s.time)} />
          <Charts history={s.history ?? []} />
          <div className="console-pair">
            <Totals title={t.drops} prefix={['dropped.']} totals={s.totals} testid="drops" />
            <Totals title={t.refused} prefix={['refused.', 'signIns.refused', 'signIns.throttled']} totals={s.totals} testid="refused" />
          </div>
        </>
      )}
    </>
  )
}

function Facts({ stats: s, hooks }: { stats: Stats; hooks: readonly Webhook[] | undefined }) {
  const sum = (of: (w: Webhook) => number): string => count((hooks ?? []).reduce((n, w) => n + of(w), 0))
  return (
    <section aria-label={t.state}>
      <dl className="console-facts panel">
        <Fact name={t.state} testid="ready"><span className="console-state" data-good={s.ready}>{s.ready ? t.ready : t.notReady}</span></Fact>
        <Fact name={t.up}>{span((Date.parse(s.time) - Date.parse(s.startedAt)) / 1000)}</Fact>
        <Fact name={t.connected} testid="connected"><a href={href('clients')}>{count(s.connected)}</a></Fact>
        <Fact name={t.sessions}>{count(s.sessions)}</Fact>
        <Fact name={t.streams}>{count(s.streams)}</Fact>
        <Fact name={t.subscriptions}>{count(s.subscriptions)}</Fact>
        <Fact name={t.retained}>{count(s.retained)} <small>{bytes(s.retainedBytes)}</small></Fact>
        <Fact name={t.queued}><a href={href('queues')}>{bytes(s.queuedBytes)}</a></Fact>
        <Fact name={t.workouts}><a href={href('sessions')}>{count(s.workouts)}</a></Fact>
        <Fact name={t.challenges}><a href={href('boards')}>{count(s.challenges)}</a></Fact>
        <Fact name={t.webhooks}>
          <a href={href('webhooks')}>{hooks === undefined ? strings.none : hooks.length === 0 ? t.noWebhooks : t.webhooksState(sum((w) => w.waiting), sum((w) => w.givenUp))}</a>
        </Fact>
        <Fact name={t.version}>{s.version}</Fact>
      </dl>
    </section>
  )
}

function Charts({ history }: { history: readonly Sample[] }) {
  const c = strings.charts
  const one = (of: (s: Sample) => number) => [{ name: c.one, values: history.map(of) }]
  const byQos = (of: (s: Sample) => readonly number[]) => [0, 1, 2].map((q) => ({ name: c.qos(q), values: history.map((s) => of(s)[q] ?? 0) }))
  return (
    <section aria-label={t.charts}>
      <h2 className="console-heading">{t.charts}</h2>
      <p className="console-help">{t.chartsHelp}</p>
      <div className="console-charts">
        <Chart title={c.connected} series={one((s) => s.connected)} testid="chart-connected" />
        <Chart title={c.received} series={byQos((s) => s.receivedQos)} testid="chart-received" />
        <Chart title={c.delivered} series={byQos((s) => s.deliveredQos)} testid="chart-delivered" />
        <Chart title={c.commits} series={one((s) => s.commits)} testid="chart-commits" />
        <Chart title={c.queued} series={one((s) => s.queuedBytes)} inBytes testid="chart-queued" />
        <Chart title={c.dropped} series={one((s) => s.dropped)} testid="chart-dropped" />
      </div>
    </section>
  )
}

function Totals({ title, prefix, totals, testid }: { title: string; prefix: readonly string[]; totals: Readonly<Record<string, number>>; testid: string }) {
  const rows = Object.entries(totals).filter(([name]) => prefix.some((p) => name.startsWith(p))).sort(([, a], [, b]) => b - a)
  return (
    <section className="panel" aria-label={title}>
      <h2 className="console-heading console-inside">{title}</h2>
      <Table caption={title} head={[t.reason, t.number]} testid={testid}>
        {rows.map(([name, n]) => (
          <tr key={name} data-zero={n === 0}>
            <th scope="row">{strings.reasons[name] ?? name}</th>
            <td className="console-number">{count(n)}</td>
          </tr>
        ))}
      </Table>
    </section>
  )
}
