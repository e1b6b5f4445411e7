// What is decided about a device, in one place of a table or page.
import { Chip, Typography } from '@mui/material';
import { useTranslation } from 'react-i18next';

import type { Device } from '../api/types';
import { formatTime } from '../format';

export function ApprovalText({ device }: { device: Device }) {
  const { t } = useTranslation();
  if (device.lost) {
    return (
      <>
        <Chip size="small" color="error" label={t(`device.${device.lost.how}`)} />
        <Typography variant="caption" component="div">{t('device.since', { time: formatTime(device.lost.mark_time), user: device.lost.marked_by })}</Typography>
      </>
    );
  }
  if (!device.approved_access) return <>–</>;
  return (
    <>
      <Chip size="small" color={device.approved_access === 'block' ? 'error' : 'success'} label={t(`access.${device.approved_access}`)} />
      <Typography variant="caption" component="div">
        {t('device.by', { user: device.approved_by })} · {device.approved_terminal || t('device.everywhere')}
        {device.expire_time && ` · ${t('device.until', { time: formatTime(device.expire_time) })}`}
      </Typography>
    </>
  );
}
