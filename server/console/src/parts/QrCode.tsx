// A text as a QR code, drawn here: the secret in it goes nowhere else.
import { useTranslation } from 'react-i18next';
import qrcode from 'qrcode-generator';

export function QrCode({ text }: { text: string }) {
  const { t } = useTranslation();
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  const count = code.getModuleCount();
  const squares: string[] = [];
  for (let row = 0; row < count; ++row) {
    for (let column = 0; column < count; ++column) {
      if (code.isDark(row, column)) squares.push(`M${column + 4} ${row + 4}h1v1h-1z`);
    }
  }
  // Black on white in either theme, with the quiet zone of four that readers need.
  return (
    <svg role="img" aria-label={t('totp.qr')} viewBox={`0 0 ${count + 8} ${count + 8}`} width={220} height={220} shapeRendering="crispEdges">
      <path fill="#fff" d={`M0 0h${count + 8}v${count + 8}H0z`} />
      <path fill="#000" d={squares.join('')} />
    </svg>
  );
}
