import { Alert, Button, Chip, Dialog, DialogActions, DialogContent, DialogTitle, MenuItem, Stack, TableCell, TableRow, TextField, Tooltip, Typography } from '@mui/material';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { post } from '../api/client';
import type { Access, Device } from '../api/types';
import { deviceName, formatTime } from '../format';
import { Rows, usePages } from '../parts/Rows';
import { Code } from '../parts/Shown';
import { ErrorText } from '../parts/State';

const ACCESS: Access[] = ['inspect', 'read_only', 'audit', 'full'];
const ENDS: [string, number][] = [['never', 0], ['hours8', 28800], ['day', 86400], ['week', 604800], ['month', 2592000]];

function Approve({ device, onDone }: { device: Device; onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [wish, setWish] = useState({ access: 'inspect' as Access, seconds: 0, terminal: '', owner: '', purpose: '', ticket: '' });
  const approve = useMutation({
    mutationFn: () => {
      const { seconds, ...rest } = wish;
      return post('devices:approve', { device_id: device.device_id, ...rest, ...(seconds > 0 && { expire_seconds: seconds }) });
    },
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['devices'] });
      onDone();
    },
  });
  const field = (name: 'terminal' | 'owner' | 'purpose' | 'ticket', label: string) => (
    <TextField label={label} value={wish[name]} onChange={(e) => setWish({ ...wish, [name]: e.target.value })} />
  );
  return (
    <Dialog open onClose={onDone} fullWidth maxWidth="sm">
      <DialogTitle>{t('device.approveTitle', { device: deviceName(device.facts) })}</DialogTitle>
      <DialogContent>
        <Stack spacing={2} sx={{ pt: 1 }}>
          <Code>{device.device_id}</Code>
          {device.weak_identity && <Alert severity="warning">{t('device.weak')}</Alert>}
          {approve.isError && <Alert severity="error"><ErrorText error={approve.error} /></Alert>}
          <TextField select label={t('device.accessLabel')} value={wish.access} helperText={t(`accessHelp.${wish.access}`)}
            onChange={(e) => setWish({ ...wish, access: e.target.value as Access })}>
            {ACCESS.map((access) => <MenuItem key={access} value={access}>{t(`access.${access}`)}</MenuItem>)}
          </TextField>
          <TextField select label={t('device.ends')} value={wish.seconds} onChange={(e) => setWish({ ...wish, seconds: Number(e.target.value) })}>
            {ENDS.map(([word, seconds]) => <MenuItem key={word} value={seconds}>{t(`device.${word}`)}</MenuItem>)}
          </TextField>
          {field('terminal', t('device.only'))}
          {field('owner', t('device.owner'))}
          {field('purpose', t('device.purpose'))}
          {field('ticket', t('device.ticket'))}
        </Stack>
      </DialogContent>
      <DialogActions>
        <Button onClick={onDone}>{t('app.cancel')}</Button>
        <Button variant="contained" loading={approve.isPending} onClick={() => approve.mutate()}>{t('device.approve')}</Button>
      </DialogActions>
    </Dialog>
  );
}

export function Devices({ mayChange }: { mayChange: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const pages = usePages<Device>('devices', 'devices');
  const [approving, setApproving] = useState<Device | null>(null);
  const revoke = useMutation({
    mutationFn: (id: string) => post('devices:revoke', { device_id: id }),
    onSettled: () => client.invalidateQueries({ queryKey: ['devices'] }),
  });
  const approval = (device: Device) =>
    device.approved_access ? (
      <>
        <Chip size="small" color="success" label={t(`access.${device.approved_access}`)} />
        <Typography variant="caption" component="div">
          {t('device.by', { user: device.approved_by })} · {device.approved_terminal || t('device.everywhere')}
          {device.expire_time && ` · ${t('device.until', { time: formatTime(device.expire_time) })}`}
        </Typography>
      </>
    ) : '–';
  return (
    <>
      <Typography component="h1" variant="h5" sx={{ mb: 2 }}>{t('device.list')}</Typography>
      {revoke.isError && <Alert severity="error" sx={{ mb: 2 }}><ErrorText error={revoke.error} /></Alert>}
      <Rows
        label={t('device.list')}
        pages={pages}
        head={[t('device.name'), t('device.serial'), t('device.seen'), t('device.access'), t('device.approval'), '']}
        row={(device) => (
          <TableRow key={device.device_id}>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>
              {deviceName(device.facts)}
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
            <TableCell>{approval(device)}</TableCell>
            <TableCell align="right">
              {mayChange && (device.approved_access ? (
                <Button color="warning" sx={{ whiteSpace: 'nowrap' }} onClick={() => revoke.mutate(device.device_id)}>{t('device.revoke')}</Button>
              ) : (
                <Button variant="outlined" sx={{ whiteSpace: 'nowrap' }} onClick={() => setApproving(device)}>{t('device.approve')}</Button>
              ))}
            </TableCell>
          </TableRow>
        )}
      />
      {approving && <Approve device={approving} onDone={() => setApproving(null)} />}
    </>
  );
}
