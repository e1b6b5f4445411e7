// Approve a device, report it lost or found: the dialogs of the device pages.
import { FormControlLabel, MenuItem, Radio, RadioGroup, TextField, Typography } from '@mui/material';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { post } from '../api/client';
import type { Access, Device } from '../api/types';
import { deviceName } from '../format';
import { ContentsSum, useContents } from './Contents';
import { AccessField, DecisionDialog } from './Grant';

const ENDS: [string, number][] = [['never', 0], ['hours8', 28800], ['day', 86400], ['week', 604800], ['month', 2592000]];

function useDeviceChange(path: string, onDone: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: object) => post(path, body),
    onSuccess: () => {
      for (const key of ['devices', 'story']) void client.invalidateQueries({ queryKey: [key] });
      onDone();
    },
  });
}

export function Approve({ device, onDone }: { device: Device; onDone: () => void }) {
  const { t } = useTranslation();
  const [wish, setWish] = useState({ access: 'inspect' as Access, seconds: 0, terminal: '', owner: '', purpose: '', ticket: '' });
  const approve = useDeviceChange('devices:approve', onDone);
  const send = () => {
    const { seconds, ...rest } = wish;
    approve.mutate({ device_id: device.device_id, ...rest, ...(seconds > 0 && { expire_seconds: seconds }) });
  };
  const field = (name: 'terminal' | 'owner' | 'purpose' | 'ticket', label: string) => (
    <TextField label={label} value={wish[name]} onChange={(e) => setWish({ ...wish, [name]: e.target.value })} />
  );
  return (
    <DecisionDialog title={t('device.approveTitle', { device: deviceName(device.facts) })} deviceId={device.device_id} warning={device.weak_identity ? t('device.weak') : undefined}
      error={approve.isError ? approve.error : null} act={t('device.approve')} busy={approve.isPending} onAct={send} onDone={onDone}>
      <AccessField value={wish.access} onChange={(access) => setWish({ ...wish, access })} />
      <TextField select label={t('device.ends')} value={wish.seconds} onChange={(e) => setWish({ ...wish, seconds: Number(e.target.value) })}>
        {ENDS.map(([word, seconds]) => <MenuItem key={word} value={seconds}>{t(`device.${word}`)}</MenuItem>)}
      </TextField>
      {field('terminal', t('device.only'))}
      {field('owner', t('device.owner'))}
      {field('purpose', t('device.purpose'))}
      {field('ticket', t('device.ticket'))}
    </DecisionDialog>
  );
}

export function ReportLost({ device, onDone }: { device: Device; onDone: () => void }) {
  const { t } = useTranslation();
  const [how, setHow] = useState('lost');
  const [note, setNote] = useState('');
  const report = useDeviceChange('devices:lost', onDone);
  const contents = useContents(device.device_id);
  return (
    <DecisionDialog title={t('device.lostTitle', { device: deviceName(device.facts) })} deviceId={device.device_id} warning={device.weak_identity ? t('device.weakLost') : undefined}
      error={report.isError ? report.error : null} act={t('device.report')} color="error" busy={report.isPending} onAct={() => report.mutate({ device_id: device.device_id, how, note: note.trim() })} onDone={onDone}>
      <Typography variant="body2">{t('device.lostHelp')}</Typography>
      {contents.data?.media.map((medium) => <ContentsSum key={medium.volume} medium={medium} />)}
      <RadioGroup row aria-label={t('device.how')} value={how} onChange={(e) => setHow(e.target.value)}>
        {(['lost', 'stolen'] as const).map((word) => <FormControlLabel key={word} value={word} control={<Radio />} label={t(`device.${word}`)} />)}
      </RadioGroup>
      <TextField label={t('device.lostNote')} value={note} slotProps={{ htmlInput: { maxLength: 60 } }} onChange={(e) => setNote(e.target.value)} />
    </DecisionDialog>
  );
}

export function ReportFound({ device, onDone }: { device: Device; onDone: () => void }) {
  const { t } = useTranslation();
  const [note, setNote] = useState('');
  const report = useDeviceChange('devices:found', onDone);
  return (
    <DecisionDialog title={t('device.foundTitle', { device: deviceName(device.facts) })} deviceId={device.device_id} error={report.isError ? report.error : null} act={t('device.found')}
      busy={report.isPending} onAct={() => report.mutate({ device_id: device.device_id, note: note.trim() })} onDone={onDone}>
      <Typography variant="body2">{t('device.foundHelp')}</Typography>
      <TextField label={t('device.lostNote')} value={note} onChange={(e) => setNote(e.target.value)} />
    </DecisionDialog>
  );
}
