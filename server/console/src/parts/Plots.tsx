// Plots as small SVGs: every mark with a number behind it is a link that says
// it in words, so that what is drawn can also be read and followed.
import { Box, Link, Stack, Tooltip, Typography, useTheme } from '@mui/material';
import { type ReactNode, useState } from 'react';
import { Link as RouterLink } from 'react-router-dom';

import { formatNumber } from '../format';

export interface Part {
  name: string;
  value: number;
  color: string;
}
export interface Bar {
  key: string;
  label: string; // below the bar
  title: string; // the day in words
  to: string;
  parts: Part[];
}

// The next round number above whose half is round too.
export function niceCeiling(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 6, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}

// Told apart by everybody, also on the dark page; each stands out from it 3:1.
export function usePlotColors() {
  const dark = useTheme().palette.mode === 'dark';
  return dark
    ? { blocked: '#ef6b62', observed: '#f0a33a', alerted: '#5aa9e6', allowed: '#708499', good: '#63b46c', none: '#5f6b78' }
    : { blocked: '#c5362c', observed: '#cf7411', alerted: '#2878b8', allowed: '#8497a9', good: '#2e7d46', none: '#9aa5b1' };
}

const WIDTH = 720;
const LEFT = 44;
const RIGHT = 18;
const BOTTOM = 20;

// Bars of stacked parts over time.
export function StackedBars({ label, bars, height = 200 }: { label: string; bars: Bar[]; height?: number }) {
  const theme = useTheme();
  const [over, setOver] = useState<string | null>(null);
  const sums = bars.map((bar) => bar.parts.reduce((sum, part) => sum + part.value, 0));
  const top = niceCeiling(Math.max(...sums, 0));
  const room = height - BOTTOM - 8;
  const step = (WIDTH - LEFT - RIGHT) / Math.max(bars.length, 1);
  const every = Math.max(Math.ceil(bars.length / 10), 1);
  const ink = theme.palette.text.secondary;
  const y = (value: number) => 8 + room - (value / top) * room;
  return (
    <svg viewBox={`0 0 ${WIDTH} ${height}`} role="group" aria-label={label} style={{ width: '100%', height: 'auto', display: 'block' }}>
      {[0, top / 2, top].map((value) => (
        <g key={value} aria-hidden="true">
          <line x1={LEFT} x2={WIDTH - RIGHT} y1={y(value)} y2={y(value)} stroke={theme.palette.divider} />
          <text x={LEFT - 6} y={y(value) + 4} textAnchor="end" fontSize={11} fill={ink}>{formatNumber(value)}</text>
        </g>
      ))}
      {bars.map((bar, i) => {
        const x = LEFT + i * step;
        let sum = 0;
        const words = `${bar.title}: ${bar.parts.map((part) => `${part.name} ${formatNumber(part.value)}`).join(', ')}`;
        return (
          <g key={bar.key}>
            <Tooltip title={words} arrow>
              <RouterLink to={bar.to} aria-label={words} onMouseEnter={() => setOver(bar.key)} onMouseLeave={() => setOver(null)} onFocus={() => setOver(bar.key)} onBlur={() => setOver(null)}>
                <rect x={x} y={8} width={step} height={room} fill={over === bar.key ? theme.palette.action.hover : 'transparent'} />
                {bar.parts.map((part) => {
                  const base = y(sum);
                  sum += part.value;
                  const size = base - y(sum);
                  return size > 0 && <rect key={part.name} x={x + step * 0.14} y={y(sum)} width={step * 0.72} height={size} rx={Math.min(step / 8, 2)} fill={part.color} />;
                })}
              </RouterLink>
            </Tooltip>
            {(bars.length - 1 - i) % every === 0 && (
              <text aria-hidden="true" x={x + step / 2} y={height - 5} textAnchor="middle" fontSize={11} fill={ink}>{bar.label}</text>
            )}
          </g>
        );
      })}
    </svg>
  );
}

export function Legend({ parts }: { parts: Omit<Part, 'value'>[] }) {
  return (
    <Stack direction="row" spacing={2} useFlexGap sx={{ flexWrap: 'wrap' }}>
      {parts.map((part) => (
        <Stack key={part.name} direction="row" spacing={0.75} sx={{ alignItems: 'center' }}>
          <Box aria-hidden="true" sx={{ width: 10, height: 10, borderRadius: 0.5, bgcolor: part.color }} />
          <Typography variant="caption">{part.name}</Typography>
        </Stack>
      ))}
    </Stack>
  );
}

export interface Rank {
  key: string;
  name: ReactNode;
  to: string;
  words: string; // what the bar says
  parts: Part[];
  note: ReactNode;
}

// A list whose lines are bars: the longest first.
export function RankedBars({ label, ranks }: { label: string; ranks: Rank[] }) {
  const sums = ranks.map((rank) => rank.parts.reduce((sum, part) => sum + part.value, 0));
  const top = Math.max(...sums, 1);
  return (
    <Stack component="ol" aria-label={label} spacing={1} sx={{ listStyle: 'none', p: 0, m: 0 }}>
      {ranks.map((rank) => (
        <Box component="li" key={rank.key}>
          <Link component={RouterLink} to={rank.to} aria-label={rank.words} underline="hover" color="inherit" sx={{ display: 'block' }}>
            <Stack direction="row" spacing={1} sx={{ justifyContent: 'space-between', alignItems: 'baseline' }}>
              <Typography variant="body2" component="span" noWrap sx={{ minWidth: 0 }}>{rank.name}</Typography>
              <Typography variant="caption" component="span" color="text.secondary" sx={{ whiteSpace: 'nowrap' }}>{rank.note}</Typography>
            </Stack>
            <Stack direction="row" aria-hidden="true" sx={{ height: 8, mt: 0.25, borderRadius: 1, overflow: 'hidden', bgcolor: 'action.hover' }}>
              {rank.parts.map((part) => (
                <Box key={part.name} sx={{ width: `${(part.value / top) * 100}%`, bgcolor: part.color }} />
              ))}
            </Stack>
          </Link>
        </Box>
      ))}
    </Stack>
  );
}

// One ring of parts around a number.
export function Ring({ label, parts, center, note }: { label: string; parts: Part[]; center: string; note: string }) {
  const theme = useTheme();
  const sum = parts.reduce((all, part) => all + part.value, 0);
  const length = 2 * Math.PI * 42;
  let turned = 0;
  return (
    <svg viewBox="0 0 120 120" role="img" aria-label={label} style={{ width: 128, height: 128, flexShrink: 0 }}>
      <circle cx={60} cy={60} r={42} fill="none" stroke={theme.palette.action.hover} strokeWidth={14} />
      {parts.filter((part) => part.value > 0).map((part) => {
        const size = (part.value / sum) * length;
        const offset = -turned;
        turned += size;
        return <circle key={part.name} cx={60} cy={60} r={42} fill="none" stroke={part.color} strokeWidth={14} strokeDasharray={`${Math.max(size - 1.5, 0.5)} ${length}`} strokeDashoffset={offset} transform="rotate(-90 60 60)" />;
      })}
      <text x={60} y={62} textAnchor="middle" fontSize={24} fontWeight={600} fill={theme.palette.text.primary}>{center}</text>
      <text x={60} y={78} textAnchor="middle" fontSize={10} fill={theme.palette.text.secondary}>{note}</text>
    </svg>
  );
}
