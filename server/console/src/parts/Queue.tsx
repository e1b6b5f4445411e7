// A window over as many alerts as there are: only the rows on the screen are
// drawn, and only the blocks they stand in are fetched, each by its place.
import { alpha, Box, Checkbox, Link, Paper, Table, TableCell, TableHead, TableRow, type Theme, Typography, useMediaQuery, useTheme } from '@mui/material';
import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import type { TFunction } from 'i18next';
import { memo, type Ref, useCallback, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink, useNavigate } from 'react-router-dom';

import { get } from '../api/client';
import type { Alert, AlertCount, Page } from '../api/types';
import { formatNumber, formatTime } from '../format';
import { alertTitle } from '../story';
import { dueLooks, useNow } from './Due';
import { type Color, SEVERITY_COLOR, STATE_COLOR } from './Shown';
import { Empty, Loaded } from './State';

const BLOCK = 50;
const MARGIN = 25; // rows beyond the screen that are fetched with it
const SETTLE_MS = 60; // what only flies past is not fetched
const ROW_PX = 45;
const CARD_PX = 92;
// Nobody is behind these.
const OF_A_MACHINE = ['terminal_silent', 'site_silent', 'event_gap', 'agent_health', 'policy_undone', 'policy_refused', 'sink_failing', 'log_restored', 'rollout_halted', 'chain_restarted', 'renewal_asked', 'certificate_expiring', 'certificate_copied', 'alert_overdue', 'review_overdue'];
const WIDTHS = ['48px', '96px', 'auto', '144px', '152px', '176px', '184px', '88px'];

export function useQueue(filter: Record<string, string>, sort: string, enabled: boolean) {
  const [range, setRange] = useState<[number, number]>([0, 0]);
  const count = useQuery({ queryKey: ['alerts', 'count', filter], queryFn: () => get<AlertCount>('alerts:count', filter), placeholderData: keepPreviousData, enabled });
  const total = count.data?.count ?? 0;
  const blocks: number[] = [];
  for (let block = range[0]; block <= range[1] && (block === 0 || block * BLOCK < total); block += 1) blocks.push(block);
  const pages = useQueries({
    queries: (enabled ? blocks : []).map((block) => ({
      queryKey: ['alerts', 'window', filter, sort, block],
      queryFn: () => get<Page<Alert>>('alerts', { ...filter, sort, skip: String(block * BLOCK), page_size: String(BLOCK) }),
      gcTime: 30_000,
    })),
  });
  const rowAt = (index: number): Alert | undefined => pages[Math.floor(index / BLOCK) - range[0]]?.data?.rows[index % BLOCK];
  const show = (first: number, last: number) => {
    const next: [number, number] = [Math.floor(Math.max(0, first - MARGIN) / BLOCK), Math.floor((last + MARGIN) / BLOCK)];
    if (next[0] !== range[0] || next[1] !== range[1]) setRange(next);
  };
  // Where an alert stands now, among the rows that are there.
  const placeOf = (id: number): number | null => {
    for (const [i, page] of pages.entries()) {
      const at = page.data?.rows.findIndex((row) => row.alert_id === id) ?? -1;
      if (at >= 0) return ((blocks[i] ?? 0) * BLOCK) + at;
    }
    return null;
  };
  const failed = pages.find((page) => page.isError);
  return { count, total, newestId: count.data?.newest_id ?? 0, rowAt, placeOf, show, failed, busy: pages.some((page) => page.isPending) };
}

export type Queue = ReturnType<typeof useQueue>;

interface RowProps {
  alert: Alert | undefined;
  index: number;
  at: boolean;
  marked: boolean;
  mayMark: boolean;
  now: number;
  t: TFunction; // and no hooks: there are many rows
  onOpen: (path: string) => void;
  onMark: (id: number) => void;
  ref: Ref<HTMLTableRowElement>;
}

// Drawn by the dozen at every turn of the wheel: plain elements, with the looks
// of the theme's chips and cells from the box around them (looks()).
function Mark({ color, variant, title, label }: { color: Color; variant: 'filled' | 'outlined'; title?: string; label: string }) {
  return <span className={`chip ${variant} ${color}`} title={title}>{label}</span>;
}

function Marks({ alert, both, now, t }: { alert: Alert; both: boolean; now: number; t: TFunction }) {
  const due = dueLooks(alert, now, t);
  return (
    <span className="chips">
      {both && <Mark variant="filled" color={SEVERITY_COLOR[alert.severity]} label={t(`severity.${alert.severity}`)} />}
      <Mark variant="outlined" color={STATE_COLOR[alert.state]} label={t(`state.${alert.state}`)} />
      {due && <Mark {...due} />}
    </span>
  );
}

function looks(theme: Theme) {
  const { palette } = theme;
  const colored = Object.fromEntries((['error', 'warning', 'info', 'success', 'primary'] as const).flatMap((name) => [
    [`& .chip.filled.${name}`, { backgroundColor: palette[name].main, color: palette[name].contrastText }],
    [`& .chip.outlined.${name}`, { borderColor: alpha(palette[name].main, 0.7), color: palette[name].main }],
  ]));
  return {
    '& .chips': { display: 'flex', gap: '4px', flexWrap: 'wrap' },
    '& .chip': { boxSizing: 'border-box', display: 'inline-block', maxWidth: '100%', lineHeight: '18px', padding: '2px 8px', borderRadius: '12px', border: '1px solid transparent', fontSize: '0.8125rem', overflowWrap: 'anywhere' },
    '& .chip.filled.default': { backgroundColor: palette.action.selected },
    '& .chip.outlined.default': { borderColor: palette.mode === 'light' ? palette.grey[400] : palette.grey[700] },
    ...colored,
    '& thead th': { padding: '6px 8px' },
    '& tbody td': { padding: '6px 8px', fontSize: '0.875rem', lineHeight: 1.43, borderBottom: `1px solid ${palette.divider}`, overflowWrap: 'anywhere' },
    '& tbody td.mark': { padding: '0 4px', textAlign: 'center' },
    '& tbody td.narrow': { whiteSpace: 'nowrap', overflow: 'hidden', textOverflow: 'ellipsis' },
    '& tbody input': { width: 18, height: 18, margin: '6px', accentColor: palette.primary.main, cursor: 'pointer' },
    '& tbody tr[data-index]': { height: ROW_PX, cursor: 'pointer' },
    '& tbody tr[data-index]:hover': { backgroundColor: palette.action.hover },
    '& tbody tr[data-at=true]': { backgroundColor: alpha(palette.primary.main, palette.action.selectedOpacity), boxShadow: `inset 3px 0 ${palette.primary.main}` },
    '& tbody a': { color: 'inherit', textDecoration: 'none' },
    '& tbody a.new': { fontWeight: 600 },
    '& .waits': { height: 12, borderRadius: 4, backgroundColor: palette.action.hover },
  } as const;
}

const Row = memo(function Row({ alert, index, at, marked, mayMark, now, t, onOpen, onMark, ref }: RowProps) {
  if (!alert) {
    return (
      <tr ref={ref} data-index={index} aria-rowindex={index + 2} aria-busy>
        <td colSpan={WIDTHS.length}><div className="waits" /></td>
      </tr>
    );
  }
  const path = `/alerts/${alert.alert_id}`;
  return (
    <tr ref={ref} data-index={index} aria-rowindex={index + 2} data-at={at} onClick={() => onOpen(path)}>
      <td className="mark" onClick={(event) => event.stopPropagation()}>
        {mayMark && <input type="checkbox" checked={marked} onChange={() => onMark(alert.alert_id)} aria-label={t('alert.markOne', { id: alert.alert_id })} />}
      </td>
      <td><Mark variant="filled" color={SEVERITY_COLOR[alert.severity]} label={t(`severity.${alert.severity}`)} /></td>
      <td><a href={path} className={alert.state} onClick={(event) => event.preventDefault()}>{alertTitle(alert, t)}</a></td>
      <td className="narrow">{(alert.account ? `${alert.person} (${alert.account})` : alert.person) || (OF_A_MACHINE.includes(alert.kind) ? '–' : t('app.unknown'))}</td>
      <td className="narrow">{alert.terminal}</td>
      <td className="narrow">{formatTime(alert.create_time)}</td>
      <td><Marks alert={alert} both={false} now={now} t={t} /></td>
      <td className="narrow">{alert.assignee || '–'}</td>
    </tr>
  );
});

function Card({ alert, index, now, t, ref }: { alert: Alert | undefined; index: number; now: number; t: TFunction; ref: Ref<HTMLLIElement> }) {
  return (
    <Box component="li" ref={ref} data-index={index} sx={{ py: 1, borderBottom: 1, borderColor: 'divider', overflowWrap: 'anywhere' }}>
      {alert ? (
        <>
          <Marks alert={alert} both now={now} t={t} />
          <Link component={RouterLink} to={`/alerts/${alert.alert_id}`} color="inherit" sx={{ fontWeight: alert.state === 'new' ? 600 : 400 }}>{alertTitle(alert, t)}</Link>
          <Typography variant="caption" component="div" color="text.secondary">{formatTime(alert.create_time)} · {alert.terminal}{alert.person && ` · ${alert.person}`}</Typography>
        </>
      ) : <div className="waits" style={{ height: CARD_PX - 17 }} />}
    </Box>
  );
}

interface Props {
  queue: Queue;
  search: string; // another one begins at its top
  at: number;
  isMarked: (id: number) => boolean;
  mayMark: boolean;
  allMarked: boolean;
  onMark: (id: number) => void;
  onMarkAll: () => void;
}

function Space({ height }: { height: number }) {
  return height > 0 ? <tr aria-hidden><td colSpan={WIDTHS.length} style={{ height, padding: 0, border: 0 }} /></tr> : null;
}

function QueueRows({ queue, search, at, isMarked, mayMark, allMarked, onMark, onMarkAll }: Props) {
  const { t } = useTranslation();
  const narrow = useMediaQuery(useTheme().breakpoints.down('sm'), { noSsr: true });
  const now = useNow();
  const navigate = useNavigate();
  const latest = useRef(navigate);
  useEffect(() => { latest.current = navigate; });
  const onOpen = useCallback((path: string) => void latest.current(path), []);
  const box = useRef<HTMLDivElement>(null);
  const { total, show } = queue;
  const rows = useVirtualizer({ count: total, getScrollElement: () => box.current, estimateSize: () => (narrow ? CARD_PX : ROW_PX), overscan: 4, useFlushSync: false });
  const items = rows.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    const wait = window.setTimeout(() => show(first, last), SETTLE_MS);
    return () => window.clearTimeout(wait);
  });
  useEffect(() => {
    if (total > 0) rows.scrollToIndex(Math.min(at, total - 1), { align: 'auto' });
    // Only when the row that the keys stand on is another.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [at]);
  useEffect(() => {
    if (box.current) box.current.scrollTop = 0;
    rows.measure();
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [search]);
  const above = items[0]?.start ?? 0;
  const below = rows.getTotalSize() - (items.at(-1)?.end ?? 0);
  if (total === 0) return <Paper variant="outlined"><Empty /></Paper>;
  return (
    <Paper variant="outlined" ref={box} tabIndex={0} role="region" aria-label={t('alert.window')} sx={(theme) => ({ overflow: 'auto', maxHeight: 'max(420px, calc(100vh - 290px))', overflowAnchor: 'none', ...looks(theme) })}>
      {narrow ? (
        <Box component="ul" aria-label={t('alert.queue')} style={{ paddingTop: above, paddingBottom: below }} sx={{ listStyle: 'none', px: 2, m: 0 }}>
          {items.map(({ index }) => <Card key={index} index={index} alert={queue.rowAt(index)} now={now} t={t} ref={rows.measureElement} />)}
        </Box>
      ) : (
        <Table size="small" stickyHeader aria-label={t('alert.queue')} aria-rowcount={total + 1} sx={{ minWidth: 940, tableLayout: 'fixed' }}>
          <colgroup>{WIDTHS.map((width, i) => <col key={i} style={{ width }} />)}</colgroup>
          <TableHead>
            <TableRow aria-rowindex={1}>
              <TableCell padding="checkbox">
                {mayMark && <Checkbox size="small" checked={allMarked} onChange={onMarkAll} slotProps={{ input: { 'aria-label': t('alert.markAll', { value: formatNumber(total) }) } }} />}
              </TableCell>
              {['alert.severity', 'alert.title', 'alert.person', 'alert.terminal', 'alert.when', 'alert.state', 'alert.assignee'].map((key) => <TableCell key={key}>{t(key)}</TableCell>)}
            </TableRow>
          </TableHead>
          <tbody>
            <Space height={above} />
            {items.map(({ index }) => {
              const alert = queue.rowAt(index);
              return <Row key={index} index={index} alert={alert} at={index === at} marked={alert !== undefined && isMarked(alert.alert_id)} mayMark={mayMark} now={now} t={t} onOpen={onOpen} onMark={onMark} ref={rows.measureElement} />;
            })}
            <Space height={below} />
          </tbody>
        </Table>
      )}
    </Paper>
  );
}

export function QueueTable(props: Props) {
  const { t } = useTranslation();
  const { queue } = props;
  return (
    <Loaded query={queue.count}>
      {() => (
        <>
          {queue.failed && <Loaded query={queue.failed}>{() => null}</Loaded>}
          <Typography variant="body2" role="status" sx={{ mb: 0.5, color: 'text.secondary' }}>{t('alert.total', { value: formatNumber(queue.total) })}</Typography>
          <QueueRows {...props} />
        </>
      )}
    </Loaded>
  );
}
