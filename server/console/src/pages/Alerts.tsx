import { MenuItem, Stack, TableCell, TableRow, TextField, Typography } from '@mui/material';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useSearchParams } from 'react-router-dom';

import { post } from '../api/client';
import type { Alert } from '../api/types';
import { formatTime } from '../format';
import { Rows, rowsOf, usePages } from '../parts/Rows';
import { SeverityChip, StateChip } from '../parts/Shown';
import { alertTitle } from '../story';

const OPEN = 'new,acknowledged,in_progress';
// Nobody is behind these.
const OF_A_MACHINE = ['terminal_silent', 'event_gap', 'agent_health'];
const NARROW = { whiteSpace: 'nowrap', maxWidth: '11rem', overflow: 'hidden', textOverflow: 'ellipsis' };
const SEVERITIES = ['critical', 'high', 'medium', 'low'];

export function Alerts() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [query, setQuery] = useSearchParams({ state: OPEN, severity: '' });
  const state = query.get('state') ?? OPEN;
  const severity = query.get('severity') ?? '';
  const pages = usePages<Alert>('alerts', 'alerts', { state: state.trim(), severity });
  const rows = rowsOf(pages);
  const [at, setAt] = useState(0);
  const acknowledge = useMutation({
    mutationFn: (id: number) => post(`alerts/${id}`, { state: 'acknowledged' }),
    onSettled: () => client.invalidateQueries({ queryKey: ['alerts'] }),
  });

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (target.closest('input, textarea, [role=combobox], [role=listbox]') || event.ctrlKey || event.metaKey || event.altKey) return;
      const row = rows[at];
      if (event.key === 'j') setAt(Math.min(at + 1, rows.length - 1));
      else if (event.key === 'k') setAt(Math.max(at - 1, 0));
      else if (event.key === 'Enter' && row && !target.closest('a, button')) navigate(`/alerts/${row.alert_id}`);
      else if (event.key === 'a' && row?.state === 'new') acknowledge.mutate(row.alert_id);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [rows, at, navigate, acknowledge]);

  const choose = (name: string, value: string) => {
    setAt(0);
    setQuery({ state, severity, [name]: value });
  };

  return (
    <>
      <Stack direction="row" spacing={2} sx={{ mb: 2, alignItems: 'center', flexWrap: 'wrap' }} useFlexGap>
        <Typography component="h1" variant="h5" sx={{ flexGrow: 1 }}>
          {t('alert.queue')}
        </Typography>
        <TextField select size="small" label={t('alert.state')} value={state} sx={{ minWidth: 140 }}
          onChange={(e) => choose('state', e.target.value)}>
          <MenuItem value={OPEN}>{t('alert.open')}</MenuItem>
          <MenuItem value="new">{t('state.new')}</MenuItem>
          <MenuItem value="closed">{t('state.closed')}</MenuItem>
          <MenuItem value=" ">{t('alert.all')}</MenuItem>
        </TextField>
        <TextField select size="small" label={t('alert.severity')} value={severity || ' '} sx={{ minWidth: 140 }}
          onChange={(e) => choose('severity', e.target.value.trim())}>
          <MenuItem value=" ">{t('alert.all')}</MenuItem>
          {SEVERITIES.map((word) => (
            <MenuItem key={word} value={word}>{t(`severity.${word}`)}</MenuItem>
          ))}
        </TextField>
      </Stack>
      <Rows
        label={t('alert.queue')}
        pages={pages}
        head={[t('alert.severity'), t('alert.title'), t('alert.person'), t('alert.terminal'), t('alert.when'), t('alert.state'), t('alert.assignee')]}
        row={(alert, index) => (
          <TableRow
            key={alert.alert_id}
            hover
            selected={index === at}
            sx={{ cursor: 'pointer' }}
            onClick={() => navigate(`/alerts/${alert.alert_id}`)}
          >
            <TableCell><SeverityChip severity={alert.severity} /></TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>
              <a
                href={`/alerts/${alert.alert_id}`}
                style={{ color: 'inherit', textDecoration: 'none', fontWeight: alert.state === 'new' ? 600 : 400 }}
                onClick={(event) => {
                  event.preventDefault();
                  navigate(`/alerts/${alert.alert_id}`);
                }}
              >
                {alertTitle(alert, t)}
              </a>
            </TableCell>
            <TableCell sx={NARROW}>{alert.person || (OF_A_MACHINE.includes(alert.kind) ? '–' : t('app.unknown'))}</TableCell>
            <TableCell sx={NARROW}>{alert.terminal}</TableCell>
            <TableCell sx={{ whiteSpace: 'nowrap' }}>{formatTime(alert.create_time)}</TableCell>
            <TableCell><StateChip state={alert.state} /></TableCell>
            <TableCell>{alert.assignee || '–'}</TableCell>
          </TableRow>
        )}
      />
      <Typography variant="body2" color="text.secondary" sx={{ mt: 1 }}>
        {t('alert.keys')}
      </Typography>
    </>
  );
}
