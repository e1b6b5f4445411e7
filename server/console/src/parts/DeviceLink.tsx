// The way to a device's page, for who may read it; else its name alone.
import { Link, type LinkProps } from '@mui/material';
import type { ReactNode } from 'react';
import { Link as RouterLink } from 'react-router-dom';

import { useMay } from '../may';

export function DeviceLink({ id, children, ...rest }: { id: string; children: ReactNode } & Pick<LinkProps, 'color' | 'variant' | 'sx'>) {
  const may = useMay()('GetDeviceStory');
  if (!may) return <>{children}</>;
  return <Link component={RouterLink} to={`/device?${new URLSearchParams({ device_id: id }).toString()}`} {...rest}>{children}</Link>;
}
