// The inventory: every device that was ever seen.
import { Alert, Button, Chip, Link, MenuItem, Stack, TableCell, TableRow, TextField, Tooltip, Typography } from '@mui/material';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useDeferredValue, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink, useSearchParams } from 'react-router-dom';

import { post } from '../api/client';
import type { Device } from '../api/types';
import { deviceName, formatTime } from '../format';
import { ApprovalText } from '../parts/ApprovalText';
import { Approve } from '../parts/Approve';
import { Help } from '../parts/Help';
import { Rows, usePages } from '../parts/Rows';
import { Code } from '../parts/Shown';
import { ErrorText } from '../parts/State';

const SHOWN = ['approved', 'unapproved', 'lost', 'weak'] as const;

function filterOf(text: string, show: string): Record<string, string> {
  return { text, approved: show === 'approved' ? 'true' : show === 'unapproved' ? 'false' : '', state: show === 'lost' || show === 'weak' ? show : '' };
}

export function Devices({ mayChange }: { mayChange: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [query, setQuery] = useSearchParams();
  const text = query.get('text') ?? '';
  const show = query.get('show') ?? '';
  const pages = usePages<Device>('devices', 'devices', filterOf(useDeferredValue(text), show));
  const [approving, setApproving] = useState<Device | null>(null);
  const revoke = useMutation({
    mutationFn: (id: string) => post('devices:revoke', { device_id: id }),
    onSettled: () => client.invalidateQueries({ queryKey: ['devices'] }),
  });
  const change = (name: string, value: string) => setQuery(Object.entries({ text, show, [name]: value }).filter(([, word]) => word !== ''), { replace: true });
  const act = (device: Device) => {
    if (!mayChange || device.lost) return null;
    return device.approved_access ? (
      <Button color="warning" sx={{ whiteSpace: 'nowrap' }} onClick={() => revoke.mutate(device.device_id)}>{t('device.revoke')}</Button>
    ) : (
      <Button variant="outlined" sx={{ whiteSpace: 'nowrap' }} onClick={() => setApproving(device)}>{t('device.approve')}</Button>
    );
  };
  return (
    <>
      <Stack direction="row" useFlexGap sx={{ gap: 1.5, mb: 2, alignItems: 'center', flexWrap: 'wrap' }}>
        <Typography component="h1" variant="h5">{t('device.list')}</Typography>
        <Help term="approval" />
        <span style={{ flexGrow: 1 }} />
        <TextField size="small" type="search" label={t('device.search')} value={text} sx={{ minWidth: 240 }} onChange={(e) => change('text', e.target.value)} />
        <TextField select size="small" label={t('device.show')} value={show || ' '} sx={{ minWidth: 150 }} onChange={(e) => change('show', e.target.value.trim())}>
          <MenuItem value=" ">{t('alert.all')}</MenuItem>
          {SHOWN.map((word) => <MenuItem key={word} value={word}>{t(`deviceShow.${word}`)}</MenuItem>)}
        </TextField>
      </Stack>
      {revoke.isError && <Alert severity="error" sx={{ mb: 2 }}><ErrorText error={revoke.error} /></Alert>}
      <Rows
        label={t('device.list')}
        pages={pages}
        head={[t('device.name'), t('device.serial'), t('device.seen'), t('device.access'), t('device.approval'), '']}
        row={(device) => (
          <TableRow key={device.device_id}>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>
              <Link component={RouterLink} to={`/device?${new URLSearchParams({ device_id: device.device_id }).toString()}`}>{deviceName(device.facts)}</Link>
              <Typography variant="caption" component="div" color="text.secondary">{device.facts.vendor_id}:{device.facts.product_id}</Typography>
            </TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>
              <Code>{device.facts.serial || '–'}</Code>{' '}
              {device.weak_identity && <Tooltip title={t('device.weak')}><Chip size="small" color="warning" label="!" aria-label={t('device.weak')} /></Tooltip>}
            </TableCell>
            <TableCell>
              {formatTime(device.last_seen_time)}
              <Typography variant="caption" component="div" color="text.secondary">{device.last_terminal} · {device.last_person || t('app.unknown')}</Typography>
            </TableCell>
            <TableCell>{t(`access.${device.last_access}`, { defaultValue: device.last_access || '–' })}</TableCell>
            <TableCell><ApprovalText device={device} /></TableCell>
            <TableCell align="right">{act(device)}</TableCell>
          </TableRow>
        )}
      />
      {approving && <Approve device={approving} onDone={() => setApproving(null)} />}
    </>
  );
}
