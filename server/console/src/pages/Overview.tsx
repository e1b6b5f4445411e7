// What happened today and over time. Every number leads to its rows.
import { Box, Chip, Grid, Link, Paper, Stack, ToggleButton, ToggleButtonGroup, Typography } from '@mui/material';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink, useSearchParams } from 'react-router-dom';

import { get } from '../api/client';
import type { Overview as Numbers, OverviewDay, TopRow, TransferCounts } from '../api/types';
import { dayOf, formatDate, formatDay, formatNumber, formatTime, ownZone, SEVERITIES } from '../format';
import { useMay } from '../may';
import { Help } from '../parts/Help';
import { Legend, type Part, RankedBars, Ring, StackedBars, usePlotColors } from '../parts/Plots';
import { Empty, Loaded } from '../parts/State';

const SPANS = ['7', '30', '90'];
const OPEN = 'new,acknowledged,in_progress';

const search = (path: string, query: Record<string, string>) => `${path}?${new URLSearchParams(query).toString()}`;
const transfers = (query: Record<string, string>) => search('/events', { kind: 'transfer', ...query });

function Panel({ title, help, children, action }: { title: string; help?: string; children: ReactNode; action?: ReactNode }) {
  return (
    <Paper variant="outlined" component="section" sx={{ p: 2, height: '100%' }}>
      <Stack direction="row" sx={{ alignItems: 'center', mb: 1.5, gap: 1, flexWrap: 'wrap' }}>
        <Typography component="h2" variant="subtitle1" sx={{ fontWeight: 600 }}>{title}</Typography>
        {help && <Help term={help} />}
        <Box sx={{ flexGrow: 1 }} />
        {action}
      </Stack>
      {children}
    </Paper>
  );
}

// One number to read from afar.
function Figure({ label, value, to, note, color = 'text.primary' }: { label: string; value: number; to: string; note?: string | undefined; color?: string }) {
  return (
    <Paper variant="outlined" sx={{ height: '100%' }}>
      <Link component={RouterLink} to={to} underline="none" color="inherit" sx={{ display: 'block', p: 2, height: '100%', borderRadius: 1, '&:hover': { bgcolor: 'action.hover' } }}>
        <Typography variant="body2" color="text.secondary">{label}</Typography>
        <Typography sx={{ fontSize: 32, fontWeight: 600, lineHeight: 1.25, color }}>{formatNumber(value)}</Typography>
        <Typography variant="caption" color="text.secondary">{note ?? '\u00a0'}</Typography>
      </Link>
    </Paper>
  );
}

function useParts() {
  const { t } = useTranslation();
  const colors = usePlotColors();
  return (counts: TransferCounts): Part[] => [
    { name: t('outcome.blocked'), value: counts.blocked, color: colors.blocked },
    { name: t('overview.observed'), value: counts.observed, color: colors.observed },
    { name: t('outcome.alerted'), value: counts.alerted, color: colors.alerted },
    { name: t('outcome.allowed'), value: counts.transfers - counts.blocked - counts.observed - counts.alerted, color: colors.allowed },
  ];
}

const ofDay = (day: OverviewDay) => ({ from: dayOf(day.from), to: dayOf(day.from) });

function Today({ numbers }: { numbers: Numbers }) {
  const { t } = useTranslation();
  const today = numbers.days[numbers.days.length - 1];
  if (!today) return null;
  const span = ofDay(today);
  const before = numbers.days.slice(0, -1);
  const mean = (of: (day: OverviewDay) => number) =>
    before.length > 0 ? t('overview.mean', { value: formatNumber(Math.round((before.reduce((sum, day) => sum + of(day), 0) / before.length) * 10) / 10) }) : undefined;
  return (
    <Grid container spacing={1.5}>
      <Grid size={{ xs: 6, md: 3 }}><Figure label={t('overview.transfersToday')} value={today.counts.transfers} to={transfers(span)} note={mean((day) => day.counts.transfers)} /></Grid>
      <Grid size={{ xs: 6, md: 3 }}><Figure label={t('overview.blockedToday')} value={today.counts.blocked} to={transfers({ ...span, outcome: 'blocked' })} note={mean((day) => day.counts.blocked)} color={today.counts.blocked > 0 ? 'error.main' : 'text.primary'} /></Grid>
      <Grid size={{ xs: 6, md: 3 }}><Figure label={t('overview.peopleStopped')} value={today.counts.persons_blocked} to={transfers({ ...span, outcome: 'blocked' })} note={mean((day) => day.counts.persons_blocked)} /></Grid>
      <Grid size={{ xs: 6, md: 3 }}><Figure label={t('overview.peopleWritten')} value={today.counts.persons_written} to={transfers(span)} note={mean((day) => day.counts.persons_written)} color={today.counts.persons_written > 0 ? 'warning.main' : 'text.primary'} /></Grid>
    </Grid>
  );
}

function Open({ numbers }: { numbers: Numbers }) {
  const { t } = useTranslation();
  const { open } = numbers;
  const sum = Object.values(open.by_severity).reduce((all, count) => all + count, 0);
  const color = { critical: 'error', high: 'warning', medium: 'info', low: 'default' } as const;
  return (
    <Panel title={t('overview.open')} help="severity">
      <Stack direction="row" spacing={1} useFlexGap sx={{ flexWrap: 'wrap', mb: 1.5 }}>
        {SEVERITIES.map((severity) => (
          <Chip key={severity} clickable component={RouterLink} to={search('/alerts', { state: OPEN, severity })} color={open.by_severity[severity] ? color[severity] : 'default'} variant={open.by_severity[severity] ? 'filled' : 'outlined'}
            label={`${t(`severity.${severity}`)} ${formatNumber(open.by_severity[severity] ?? 0)}`} />
        ))}
      </Stack>
      <Stack component="ul" spacing={0.75} sx={{ listStyle: 'none', p: 0, m: 0, typography: 'body2' }}>
        <li><Link component={RouterLink} to={search('/alerts', { state: OPEN })}>{t('overview.openAlerts', { value: formatNumber(sum) })}</Link></li>
        <li><Link component={RouterLink} to={search('/alerts', { state: OPEN, owner: 'none' })}>{t('overview.unassigned', { value: formatNumber(open.unassigned) })}</Link></li>
        <li><Link component={RouterLink} to="/requests">{t('overview.requests', { value: formatNumber(open.requests) })}</Link></li>
        {open.oldest_time && <li><Link component={RouterLink} to={search('/alerts', { state: 'new', sort: 'oldest' })}>{t('overview.oldest', { time: formatTime(open.oldest_time) })}</Link></li>}
      </Stack>
    </Panel>
  );
}

function Cover({ numbers }: { numbers: Numbers }) {
  const { t } = useTranslation();
  const colors = usePlotColors();
  const { coverage } = numbers;
  const parts: (Part & { show: string })[] = [
    { name: t('overview.enforcing'), value: coverage.enforcing, color: colors.good, show: 'enforcing' },
    { name: t('overview.degraded'), value: coverage.degraded, color: colors.observed, show: 'degraded' },
    { name: t('overview.observing'), value: coverage.observing, color: colors.alerted, show: 'observing' },
    { name: t('overview.silent'), value: coverage.silent, color: colors.blocked, show: 'silent' },
    { name: t('overview.never'), value: coverage.never_connected, color: colors.none, show: 'never' },
  ];
  const all = parts.reduce((sum, part) => sum + part.value, 0);
  const share = all > 0 ? Math.round((coverage.enforcing / all) * 100) : 0;
  return (
    <Panel title={t('overview.coverage')} help="coverage">
      <Stack direction="row" spacing={2} sx={{ alignItems: 'center' }}>
        <Ring label={t('overview.coverageWords', { share, all })} parts={parts} center={`${share}%`} note={t('overview.enforcing')} />
        <Stack component="ul" spacing={0.5} sx={{ listStyle: 'none', p: 0, m: 0, typography: 'body2' }}>
          {parts.map((part) => (
            <Box component="li" key={part.show}>
              <Stack direction="row" spacing={1} sx={{ alignItems: 'center' }}>
                <Box aria-hidden="true" sx={{ width: 10, height: 10, borderRadius: 0.5, bgcolor: part.color }} />
                <Link component={RouterLink} to={search('/terminals', { show: part.show })}>{part.name} {formatNumber(part.value)}</Link>
              </Stack>
            </Box>
          ))}
        </Stack>
      </Stack>
    </Panel>
  );
}

function OverTime({ numbers }: { numbers: Numbers }) {
  const { t } = useTranslation();
  const colors = usePlotColors();
  const parts = useParts();
  const people = (counts: TransferCounts): Part[] => [
    { name: t('overview.peopleBlocked'), value: counts.persons_blocked, color: colors.blocked },
    { name: t('overview.peopleOut'), value: counts.persons_written, color: colors.observed },
  ];
  const bars = (of: (counts: TransferCounts) => Part[]) =>
    numbers.days.map((day) => ({ key: day.from, label: formatDay(day.from), title: formatDate(day.from), to: transfers(ofDay(day)), parts: of(day.counts) }));
  const none = numbers.days[0]?.counts;
  return (
    <Grid container spacing={1.5}>
      <Grid size={{ xs: 12, lg: 6 }}>
        <Panel title={t('overview.transfers')} help="transfer" action={none && <Legend parts={parts(none)} />}>
          <StackedBars label={t('overview.transfers')} bars={bars(parts)} />
        </Panel>
      </Grid>
      <Grid size={{ xs: 12, lg: 6 }}>
        <Panel title={t('overview.people')} help="people" action={none && <Legend parts={people(none)} />}>
          <StackedBars label={t('overview.people')} bars={bars(people)} />
        </Panel>
      </Grid>
    </Grid>
  );
}

function Top({ title, rows, by, span }: { title: string; rows: TopRow[]; by: 'device_id' | 'terminal' | 'person'; span: Record<string, string> }) {
  const { t } = useTranslation();
  const parts = useParts();
  const mayDevice = useMay()('GetDeviceStory');
  const ranks = rows.map((row) => {
    const note = t('overview.topNote', { transfers: formatNumber(row.counts.transfers), persons: formatNumber(row.counts.persons) });
    const name = row.name || row.value || t('app.unknown');
    return {
      key: row.value, name, note, parts: parts(row.counts), words: `${name}: ${note}`,
      to: by === 'device_id' && mayDevice ? search('/device', { device_id: row.value }) : transfers({ ...span, [by]: row.value }),
    };
  });
  return <Panel title={title}>{ranks.length > 0 ? <RankedBars label={title} ranks={ranks} /> : <Empty />}</Panel>;
}

export function Overview() {
  const { t } = useTranslation();
  const [query, setQuery] = useSearchParams();
  const days = SPANS.includes(query.get('days') ?? '') ? (query.get('days') ?? '30') : '30';
  const answer = useQuery({
    queryKey: ['overview', days],
    queryFn: () => get<Numbers>('overview', { days, zone: ownZone() }),
    placeholderData: keepPreviousData,
    // Alerts are told at once; the rest of the day is counted anew each minute.
    refetchInterval: 60_000,
  });
  return (
    <>
      <Stack direction="row" useFlexGap sx={{ mb: 2, gap: 2, alignItems: 'center', flexWrap: 'wrap' }}>
        <Typography component="h1" variant="h5" sx={{ flexGrow: 1 }}>{t('overview.title')}</Typography>
        <ToggleButtonGroup exclusive size="small" value={days} aria-label={t('overview.span')} onChange={(_, value: string | null) => value && setQuery({ days: value }, { replace: true })}>
          {SPANS.map((span) => <ToggleButton key={span} value={span} sx={{ textTransform: 'none' }}>{t('overview.days', { days: span })}</ToggleButton>)}
        </ToggleButtonGroup>
      </Stack>
      <Loaded query={answer}>
        {(numbers) => {
          const first = numbers.days[0];
          const last = numbers.days[numbers.days.length - 1];
          const span = first && last ? { from: dayOf(first.from), to: dayOf(last.from) } : {};
          return (
            <Stack spacing={1.5}>
              <Today numbers={numbers} />
              <Grid container spacing={1.5}>
                <Grid size={{ xs: 12, md: 6 }}><Open numbers={numbers} /></Grid>
                <Grid size={{ xs: 12, md: 6 }}><Cover numbers={numbers} /></Grid>
              </Grid>
              <OverTime numbers={numbers} />
              <Grid container spacing={1.5}>
                <Grid size={{ xs: 12, md: 4 }}><Top title={t('overview.topPersons')} rows={numbers.top_persons} by="person" span={span} /></Grid>
                <Grid size={{ xs: 12, md: 4 }}><Top title={t('overview.topDevices')} rows={numbers.top_devices} by="device_id" span={span} /></Grid>
                <Grid size={{ xs: 12, md: 4 }}><Top title={t('overview.topTerminals')} rows={numbers.top_terminals} by="terminal" span={span} /></Grid>
              </Grid>
            </Stack>
          );
        }}
      </Loaded>
    </>
  );
}
