// The life of one device: where it was, who used it, what went onto it, and
// what was decided about it.
import { Alert as Banner, Box, Button, Grid, Link, Paper, Stack, Table, TableBody, TableCell, TableHead, TableRow, Typography } from '@mui/material';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink, useSearchParams } from 'react-router-dom';

import { get, post } from '../api/client';
import type { DevicePlace, DeviceStory, Event } from '../api/types';
import { dayOf, deviceName, fileName, formatBytes, formatDate, formatDay, formatNumber, formatTime, ownZone, personOf } from '../format';
import { ContainButton } from '../parts/Contain';
import { ApprovalText } from '../parts/ApprovalText';
import { Approve, ReportFound, ReportLost } from '../parts/Approve';
import { Contents } from '../parts/Contents';
import { DeviceFactsRows } from '../parts/EventFacts';
import { Help } from '../parts/Help';
import { Legend, StackedBars, usePlotColors } from '../parts/Plots';
import { Rows, usePages } from '../parts/Rows';
import { Code, Fact } from '../parts/Shown';
import { ErrorText, Loaded } from '../parts/State';

function Section({ title, help, children }: { title: string; help?: string; children: ReactNode }) {
  return (
    <Paper variant="outlined" component="section" sx={{ p: 2, overflowX: 'auto' }}>
      <Typography component="h2" variant="subtitle1" sx={{ fontWeight: 600, mb: 1 }}>{title} {help && <Help term={help} />}</Typography>
      {children}
    </Paper>
  );
}

function Places({ id, by, title, places }: { id: string; by: 'terminal' | 'person'; title: string; places: DevicePlace[] }) {
  const { t } = useTranslation();
  return (
    <Section title={title}>
      <Table size="small" aria-label={title}>
        <TableHead><TableRow><TableCell>{t(by === 'terminal' ? 'terminal.name' : 'who.person')}</TableCell><TableCell align="right">{t('kind.transfer')}</TableCell><TableCell align="right">{t('outcome.blocked')}</TableCell><TableCell align="right">{t('transfer.written')}</TableCell><TableCell>{t('device.lastThere')}</TableCell></TableRow></TableHead>
        <TableBody>
          {places.slice(0, 20).map((place) => (
            <TableRow key={place.value}>
              <TableCell sx={{ overflowWrap: 'anywhere' }}>
                {place.value ? <Link component={RouterLink} to={`/events?${new URLSearchParams({ device_id: id, [by]: place.value }).toString()}`}>{place.value}</Link> : t('app.unknown')}
              </TableCell>
              <TableCell align="right">{formatNumber(place.counts.transfers)}</TableCell>
              <TableCell align="right">{formatNumber(place.counts.blocked)}</TableCell>
              <TableCell align="right">{formatNumber(place.counts.persons_written)}</TableCell>
              <TableCell sx={{ whiteSpace: 'nowrap' }}>{formatTime(place.last_time)}</TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </Section>
  );
}

function Warnings({ story }: { story: DeviceStory }) {
  const { t } = useTranslation();
  const { device } = story;
  return (
    <Stack spacing={1}>
      {device.lost && (
        <Banner severity="error">{t('device.isLost', { how: t(`device.${device.lost.how}`), time: formatTime(device.lost.mark_time), user: device.lost.marked_by })} {device.lost.note} <Help term="lost" /></Banner>
      )}
      {device.weak_identity && <Banner severity="warning">{t('device.weak')} <Help term="weak" /></Banner>}
      {story.looks.length > 1 && (
        <Banner severity="warning">
          {t('device.clone', { count: story.looks.length })} <Help term="clone" />
          <ul>{story.looks.map((look) => <li key={look.descriptor_hash}>{look.name} · <Code>{look.descriptor_hash.slice(0, 16)}</Code> · {formatTime(look.first_time)} – {formatTime(look.last_time)}</li>)}</ul>
        </Banner>
      )}
      {story.same_serial.length > 0 && (
        <Banner severity="warning">
          {t('device.sameSerial')}{' '}
          {story.same_serial.map((id) => <Link key={id} component={RouterLink} to={`/device?${new URLSearchParams({ device_id: id }).toString()}`} sx={{ mr: 1 }}>{id}</Link>)}
        </Banner>
      )}
      {story.cut && <Banner severity="info">{t('around.cut')}</Banner>}
    </Stack>
  );
}

function Life({ id, story }: { id: string; story: DeviceStory }) {
  const { t } = useTranslation();
  const colors = usePlotColors();
  const parts = (counts: DeviceStory['sum']['counts']) => [
    { name: t('outcome.blocked'), value: counts.blocked, color: colors.blocked },
    { name: t('device.letThrough'), value: counts.transfers - counts.blocked, color: colors.alerted },
  ];
  const lastDay = (iso: string) => dayOf(new Date(new Date(iso).getTime() - 1).toISOString());
  return (
    <Section title={t('device.life')}>
      <Stack direction="row" useFlexGap sx={{ gap: 3, flexWrap: 'wrap', mb: 1 }}>
        {([['kind.transfer', formatNumber(story.sum.counts.transfers)], ['outcome.blocked', formatNumber(story.sum.counts.blocked)], ['transfer.persons', formatNumber(story.sum.counts.persons)], ['transfer.written', formatNumber(story.sum.counts.persons_written)], ['transfer.bytes', formatBytes(story.bytes)]] as const).map(([name, value]) => (
          <Box key={name}><Typography variant="caption" color="text.secondary">{t(name)}</Typography><Typography sx={{ fontSize: 22, fontWeight: 600 }}>{value}</Typography></Box>
        ))}
        <Box sx={{ flexGrow: 1 }} /><Legend parts={parts(story.sum.counts)} />
      </Stack>
      <StackedBars label={t('device.life')} height={150} bars={story.weeks.map((week) => ({
        key: week.from, label: formatDay(week.from), title: t('device.week', { day: formatDate(week.from) }), parts: parts(week.counts),
        to: `/events?${new URLSearchParams({ device_id: id, kind: 'transfer', from: dayOf(week.from), to: lastDay(week.to) }).toString()}`,
      }))} />
    </Section>
  );
}

// What reached the medium, newest first.
function Copied({ id }: { id: string }) {
  const { t } = useTranslation();
  const pages = usePages<Event>('events', 'events', { device_id: id, kind: 'transfer', outcome: 'allowed,alerted', page_size: '20' });
  return (
    <Section title={t('device.copied')}>
      <Rows label={t('device.copied')} pages={pages} head={[t('event.occurred'), t('transfer.file'), t('transfer.persons'), t('transfer.written'), t('who.person'), t('terminal.name')]}
        row={(event) => (
          <TableRow key={event.row_id}>
            <TableCell sx={{ whiteSpace: 'nowrap' }}>{formatTime(event.occur_time)}</TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere', minWidth: 180 }}>{fileName(event.transfer?.file_path ?? '')}</TableCell>
            <TableCell align="right">{formatNumber(event.transfer?.persons ?? 0)}</TableCell>
            <TableCell align="right">{formatNumber(event.transfer?.persons_written ?? 0)}</TableCell>
            <TableCell sx={{ whiteSpace: 'nowrap' }}>{personOf(event.who) || t('app.unknown')}</TableCell>
            <TableCell sx={{ whiteSpace: 'nowrap' }}>{event.terminal}</TableCell>
          </TableRow>
        )} />
    </Section>
  );
}

function Decisions({ story }: { story: DeviceStory }) {
  const { t } = useTranslation();
  return (
    <Section title={t('device.decisions')}>
      {story.decisions.length === 0 && <Typography variant="body2" color="text.secondary">{t('device.undecided')}</Typography>}
      <Stack component="ol" spacing={1} sx={{ listStyle: 'none', p: 0, m: 0 }}>
        {story.decisions.map((one, i) => (
          <Box component="li" key={i} sx={{ borderLeft: 3, borderColor: one.action === 'device.approve' ? 'success.main' : 'error.main', pl: 1.5 }}>
            <Typography variant="body2"><strong>{t(`audit.${one.action}`, { defaultValue: one.action })}</strong> · {one.user} · {formatTime(one.time)}</Typography>
            <Typography variant="caption" color="text.secondary" sx={{ overflowWrap: 'anywhere' }}>{one.detail}{one.result !== 'ok' && ` — ${one.result}`}</Typography>
          </Box>
        ))}
      </Stack>
    </Section>
  );
}

// From the terminals' own logs: in no figure, and no more than a hint.
function Before({ story }: { story: DeviceStory }) {
  const { t } = useTranslation();
  if (story.past.length === 0) return null;
  return (
    <Section title={t('device.past')}>
      <Typography variant="body2" color="text.secondary">{t('device.pastHelp')}</Typography>
      <ul>{story.past.slice(0, 50).map((one, i) => <li key={i}>{formatTime(one.time)} · {one.terminal} · {one.source}</li>)}</ul>
      {story.past.length > 50 && <Typography variant="caption" color="text.secondary">{t('contents.more', { count: story.past.length - 50 })}</Typography>}
    </Section>
  );
}

function Acts({ story }: { story: DeviceStory }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [asking, setAsking] = useState<'approve' | 'lost' | 'found' | null>(null);
  const { device } = story;
  const revoke = useMutation({
    mutationFn: () => post('devices:revoke', { device_id: device.device_id }),
    onSettled: () => { for (const key of ['devices', 'story']) void client.invalidateQueries({ queryKey: [key] }); },
  });
  const confirm = useMutation({
    mutationFn: () => post('devices:confirm', { device_id: device.device_id }),
    onSettled: () => { for (const key of ['devices', 'story', 'alerts']) void client.invalidateQueries({ queryKey: [key] }); },
  });
  const done = () => setAsking(null);
  return (
    <Stack direction="row" useFlexGap sx={{ gap: 1, flexWrap: 'wrap' }}>
      {!device.lost && <Button variant="contained" onClick={() => setAsking('approve')}>{t('device.approve')}</Button>}
      {!device.lost && device.approved_access && <Button variant="outlined" color="warning" loading={revoke.isPending} onClick={() => revoke.mutate()}>{t('device.revoke')}</Button>}
      {!device.lost && device.approved_access && device.approved_access !== 'block' && <Button variant="outlined" loading={confirm.isPending} onClick={() => confirm.mutate()}>{t('device.confirm')}</Button>}
      {device.lost ? <Button variant="outlined" onClick={() => setAsking('found')}>{t('device.found')}…</Button> : <Button variant="outlined" color="error" onClick={() => setAsking('lost')}>{t('device.reportLost')}…</Button>}
      <ContainButton to={{ kind: 'device', target: device.device_id, name: device.name || device.device_id }} />
      {confirm.isError && <Banner severity="error" sx={{ width: '100%' }}><ErrorText error={confirm.error} /></Banner>}
      {revoke.isError && <Banner severity="error" sx={{ width: '100%' }}><ErrorText error={revoke.error} /></Banner>}
      {asking === 'approve' && <Approve device={device} onDone={done} />}
      {asking === 'lost' && <ReportLost device={device} onDone={done} />}
      {asking === 'found' && <ReportFound device={device} onDone={done} />}
    </Stack>
  );
}

export function DevicePage({ mayChange }: { mayChange: boolean }) {
  const { t } = useTranslation();
  const [query] = useSearchParams();
  const id = query.get('device_id') ?? '';
  const story = useQuery({ queryKey: ['story', id], queryFn: () => get<DeviceStory>('devices:story', { device_id: id, zone: ownZone() }) });
  return (
    <Loaded query={story}>
      {(told) => (
        <Stack spacing={1.5}>
          <Stack direction="row" useFlexGap sx={{ gap: 2, alignItems: 'center', flexWrap: 'wrap' }}>
            <Box sx={{ flexGrow: 1, minWidth: 0 }}>
              <Typography component="h1" variant="h5" sx={{ overflowWrap: 'anywhere' }}>{told.device.name || deviceName(told.device.facts)}</Typography>
              <Code>{told.device.device_id}</Code>
            </Box>
            {mayChange && <Acts story={told} />}
          </Stack>
          <Warnings story={told} />
          <Grid container spacing={1.5}>
            <Grid size={{ xs: 12, md: 4 }}><Stack spacing={1.5}>
              <Section title={t('device.facts')} help="access">
                <Table size="small"><TableBody>
                  <DeviceFactsRows facts={told.device.facts} />
                  <Fact name={t('device.first')}>{formatTime(told.device.first_seen_time)}</Fact>
                  <Fact name={t('device.seen')}>{formatTime(told.device.last_seen_time)}</Fact>
                  <Fact name={t('device.approval')}><ApprovalText device={told.device} /></Fact>
                  <Fact name={t('device.owner')}>{told.device.owner}</Fact>
                  {told.device.confirm_time && <Fact name={t('device.confirmed')}>{t('device.since', { time: formatTime(told.device.confirm_time), user: told.device.confirmed_by })}</Fact>}
                  <Fact name={t('device.purpose')}>{told.device.purpose}</Fact>
                  <Fact name={t('device.ticket')}>{told.device.ticket}</Fact>
                </TableBody></Table>
              </Section>
              <Decisions story={told} />
            </Stack></Grid>
            <Grid size={{ xs: 12, md: 8 }}><Stack spacing={1.5}>
              <Life id={id} story={told} />
              <Section title={t('contents.title')} help="contents"><Contents id={id} /></Section>
              <Places id={id} by="terminal" title={t('device.terminals')} places={told.terminals} />
              <Places id={id} by="person" title={t('device.persons')} places={told.persons} />
              <Copied id={id} />
              <Before story={told} />
            </Stack></Grid>
          </Grid>
        </Stack>
      )}
    </Loaded>
  );
}
