// A month around an alert: one lane each for its person, device and terminal, a
// cell a day. A cell with something in it leads to that day's events.
import { Alert as Banner, Box, Link, Stack, Tooltip, Typography, useTheme } from '@mui/material';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink } from 'react-router-dom';

import { get } from '../api/client';
import type { Alert, Around, Lane, SpanCounts } from '../api/types';
import { dayOf, formatDate, formatDay, formatNumber, formatTime, ownZone } from '../format';
import { alertTitle } from '../story';
import { DeviceLink } from './DeviceLink';
import { usePlotColors } from './Plots';
import { SeverityChip, StateChip } from './Shown';
import { Loaded } from './State';

export function useAround(id: string) {
  return useQuery({ queryKey: ['around', id], queryFn: () => get<Around>(`alerts:around/${id}`, { zone: ownZone() }) });
}

const CELL = 14;
const HEIGHT = 22;

function LaneStrip({ lane, at }: { lane: Lane; at: string }) {
  const { t } = useTranslation();
  const { palette } = useTheme();
  const colors = usePlotColors();
  const most = Math.max(...lane.days.map((day) => day.events), 1);
  const tone = (day: SpanCounts) => {
    if (day.counts.blocked > 0) return colors.blocked;
    if (day.counts.observed > 0) return colors.observed;
    if (day.counts.alerted > 0) return colors.alerted;
    return colors.allowed;
  };
  const words = (day: SpanCounts) =>
    t('around.day', { day: formatDate(day.from), events: formatNumber(day.events), transfers: formatNumber(day.counts.transfers), blocked: formatNumber(day.counts.blocked), persons: formatNumber(day.counts.persons) });
  const today = dayOf(at);
  return (
    <svg viewBox={`0 0 ${lane.days.length * CELL} ${HEIGHT + 16}`} role="group" aria-label={t(`around.${lane.by}`)} style={{ width: '100%', height: 'auto', display: 'block' }}>
      {lane.days.map((day, i) => {
        const cell = (
          <rect x={i * CELL + 1} y={1} width={CELL - 2} height={HEIGHT - 2} rx={2}
            fill={day.events > 0 ? tone(day) : palette.action.hover} fillOpacity={day.events > 0 ? 0.45 + 0.55 * (day.events / most) : 1}
            stroke={dayOf(day.from) === today ? palette.text.primary : 'none'} strokeWidth={1.5} />
        );
        if (day.events === 0) return <g key={day.from} aria-hidden="true">{cell}</g>;
        const query = new URLSearchParams({ [lane.by]: lane.value, from: dayOf(day.from), to: dayOf(day.from) });
        return (
          <Tooltip key={day.from} title={words(day)} arrow>
            <RouterLink to={`/events?${query.toString()}`} aria-label={words(day)}>{cell}</RouterLink>
          </Tooltip>
        );
      })}
      <g aria-hidden="true" fontSize={10} fill={palette.text.secondary}>
        {lane.days.map((day, i) => (i % 10 === 0 || dayOf(day.from) === today) && (
          <text key={day.from} x={i * CELL + CELL / 2} y={HEIGHT + 12} textAnchor={i === 0 ? 'start' : i > lane.days.length - 3 ? 'end' : 'middle'} fontWeight={dayOf(day.from) === today ? 700 : 400}>{formatDay(day.from)}</text>
        ))}
      </g>
    </svg>
  );
}

function OtherAlerts({ alerts, of }: { alerts: Alert[]; of: Alert }) {
  const { t } = useTranslation();
  const shared = (other: Alert) =>
    (['person', 'device_id', 'terminal'] as const).filter((name) => of[name] !== '' && other[name] === of[name]).map((name) => t(`around.${name}`)).join(' · ');
  return (
    <Stack component="ul" spacing={1} aria-label={t('around.alerts')} sx={{ listStyle: 'none', p: 0, m: 0, maxHeight: 320, overflow: 'auto' }} tabIndex={0}>
      {alerts.map((other) => (
        <Box component="li" key={other.alert_id} sx={{ display: 'flex', gap: 1, alignItems: 'baseline', flexWrap: 'wrap' }}>
          <SeverityChip severity={other.severity} />
          <Link component={RouterLink} to={`/alerts/${other.alert_id}`} sx={{ overflowWrap: 'anywhere' }}>{alertTitle(other, t)}</Link>
          <Typography variant="caption" color="text.secondary">{formatTime(other.create_time)} · {shared(other)}</Typography>
          {other.verdict ? <Typography variant="caption">{t(`verdict.${other.verdict}`)}</Typography> : <StateChip state={other.state} />}
        </Box>
      ))}
    </Stack>
  );
}

export function Timeline({ alert, around }: { alert: Alert; around: ReturnType<typeof useAround> }) {
  const { t } = useTranslation();
  return (
    <Loaded query={around}>
      {({ lanes, alerts }) => (
        <Stack spacing={2} sx={{ mt: 1 }}>
          {lanes.map((lane) => (
            <Box key={lane.by}>
              <Stack direction="row" spacing={1} useFlexGap sx={{ alignItems: 'baseline', flexWrap: 'wrap' }}>
                <Typography variant="body2" component="h3" sx={{ fontWeight: 600 }}>{t(`around.${lane.by}`)}</Typography>
                {lane.by === 'device_id'
                  ? <DeviceLink id={lane.value} variant="body2" sx={{ overflowWrap: 'anywhere' }}>{lane.value}</DeviceLink>
                  : <Link component={RouterLink} to={`/events?${new URLSearchParams({ [lane.by]: lane.value }).toString()}`} variant="body2" sx={{ overflowWrap: 'anywhere' }}>{lane.value}</Link>}
                <Typography variant="caption" color="text.secondary">
                  {t('around.sum', { transfers: formatNumber(lane.sum.counts.transfers), blocked: formatNumber(lane.sum.counts.blocked), persons: formatNumber(lane.sum.counts.persons), written: formatNumber(lane.sum.counts.persons_written) })}
                </Typography>
              </Stack>
              {lane.cut && <Banner severity="info" sx={{ my: 0.5 }}>{t('around.cut')}</Banner>}
              <LaneStrip lane={lane} at={alert.create_time} />
            </Box>
          ))}
          <Box>
            <Typography variant="body2" component="h3" sx={{ fontWeight: 600, mb: 0.5 }}>{t('around.alerts')} ({formatNumber(alerts.length)})</Typography>
            {alerts.length > 0 ? <OtherAlerts alerts={alerts} of={alert} /> : <Typography variant="body2" color="text.secondary">{t('around.none')}</Typography>}
          </Box>
        </Stack>
      )}
    </Loaded>
  );
}
