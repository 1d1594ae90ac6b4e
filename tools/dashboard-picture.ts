/**
 * `docs/images/dashboard.png`: the dashboard as its JSON in the synthesised template lays it out, with invented data of an hour in
 * which CIS2 was away for a while. It is no screenshot of CloudWatch. Run `npm run synth` first.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { browserArguments, findBrowser } from '../test/support/chromium.ts';

const root = path.resolve(import.meta.dirname, '..');
const output = path.join(root, 'docs', 'images', 'dashboard.png');

interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}
interface MetricOptions {
  readonly label?: string;
  readonly visible?: boolean;
  readonly yAxis?: 'left' | 'right';
  readonly expression?: string;
}
interface Annotation {
  readonly value: number;
  readonly label: string;
}
interface Widget {
  readonly type: 'text' | 'metric' | 'alarm';
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: {
    readonly markdown?: string;
    readonly title?: string;
    readonly stacked?: boolean;
    readonly metrics?: readonly (readonly unknown[])[];
    readonly alarms?: readonly string[];
    readonly annotations?: { readonly horizontal?: readonly Annotation[] };
  };
}

const { Resources: resources } = JSON.parse(
  readFileSync(path.join(root, 'cdk.out', 'cis2-bff-prod-stateless.template.json'), 'utf8'),
) as { Resources: Record<string, Resource> };

/** The JSON in a `Fn::Join`; a reference stands as the logical name of what it names. */
function widgetsOf(body: unknown): readonly Widget[] {
  const [, parts] = (body as { 'Fn::Join': [string, readonly unknown[]] })['Fn::Join'];
  const text = parts.map((part) =>
    typeof part === 'string'
      ? part
      : (/"(?:Ref|Fn::GetAtt|Fn::ImportValue)":\[?"([^"]+)"/.exec(JSON.stringify(part))?.[1] ?? ''),
  );
  return (JSON.parse(text.join('')) as { widgets: readonly Widget[] }).widgets;
}

const dashboard = Object.values(resources).find(({ Type }) => Type === 'AWS::CloudWatch::Dashboard');
if (dashboard === undefined) throw new Error('the template has no dashboard');
const widgets = widgetsOf(dashboard.Properties['DashboardBody']);

/** Five minutes a point, for three hours. */
const points = 36;
/** CIS2 is away from here to there. */
const [awayFrom, awayTo] = [22, 27];
const isAway = (at: number): boolean => at >= awayFrom && at <= awayTo;

/** The same numbers each time. */
function noise(seed: string): (at: number) => number {
  let state = Array.from(seed).reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
  const values = Array.from({ length: points }, () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  });
  return (at) => values[at] ?? 0;
}

type Shape = (at: number, random: number) => number;
/** A morning: few at first, most at nine. */
const day = (at: number): number => 0.35 + 0.65 * Math.exp(-(((at - 14) / 11) ** 2));
const around =
  (value: number, part = 0.15): Shape =>
  (at, random) =>
    value * day(at) * (1 - part / 2 + part * random);
const rarely =
  (value: number, chance = 0.2): Shape =>
  (_at, random) =>
    random < chance ? Math.ceil((random / chance) * value) : 0;
const whileAway =
  (value: number, otherwise: Shape = () => 0): Shape =>
  (at, random) =>
    isAway(at) ? value * (0.8 + 0.4 * random) : otherwise(at, random);

/** What a line shows, by the metric's name and dimensions, or by its label. The first that matches. */
const shapes: readonly (readonly [RegExp, Shape])[] = [
  [/^AWS\/Lambda/, () => 0],
  [/^AWS\/CloudFront/, (_at, random) => 0.05 * random],
  [/refused by the firewall/, rarely(40, 0.2)],
  [/SignInStarted/, around(140)],
  [/SignInCompleted/, (at, random) => (isAway(at) ? 9 : 131) * day(at) * (0.93 + 0.1 * random)],
  [/SignInFailed Code provider_unavailable/, whileAway(92)],
  [/SignInFailed Code access_denied/, around(4, 1)],
  [/SignInFailed Code login_expired/, rarely(3, 0.4)],
  [/SignInFailed Code (?:assurance_insufficient|role_required)/, rarely(2, 0.3)],
  [/SignInFailed Code/, () => 0],
  [/SignInFailed/, whileAway(98, around(6, 1))],
  [/failed sign-ins/, whileAway(0.82)],
  [/requests that we answered 5xx/, (_at, random) => 0.0004 * random],
  [/ProviderUnavailable/, whileAway(110)],
  [/ProviderLatency/, whileAway(5_200, (_at, random) => 420 + 160 * random)],
  [/ApiPlatformLatency/, (_at, random) => 380 + 140 * random],
  [/UpstreamLatency/, (_at, random) => 610 + 300 * random],
  [/UpstreamFailed/, rarely(3, 0.25)],
  [/TokenRefreshFailed|ApiPlatformFailed/, rarely(1, 0.08)],
  [/AWS\/ApiGateway Count/, around(31_000)],
  [/AWS\/ApiGateway 4xx/, around(210, 0.6)],
  [/AWS\/ApiGateway 5xx/, rarely(6, 0.3)],
  [/p50$/, (_at, random) => 38 + 9 * random],
  [/p95$/, (_at, random) => 240 + 60 * random],
  [/p99$/, (at, random) => (isAway(at) ? 1_350 : 720) + 180 * random],
  [/SessionHit/, around(29_000)],
  [/SessionMiss/, around(420, 0.5)],
  [/BackchannelLogoutFailed/, () => 0],
  [/BackchannelLogout/, around(64, 0.4)],
  [/Refused/, around(12, 1)],
  [/ColdStart/, around(18, 0.9)],
  [/LeaseWait/, around(9, 0.9)],
  [/SigningKeyAgeSeconds/, (at) => 1_036_800 + 300 * at],
  [/SecondsToNextRotation/, (at) => 1_555_200 - 300 * at],
  [/ClockDifference.*highest/, (_at, random) => 0.4 + 0.5 * random],
  [/ClockDifference/, (_at, random) => -0.3 - 0.4 * random],
];
const quiet: Shape = () => 0;

/** Alarms that are on in the data. */
const isOn = (name: string): boolean => /Cis2Unavailable|SignInsFailFast/.test(name);

const colours = [
  '#1f77b4',
  '#ff7f0e',
  '#2ca02c',
  '#d62728',
  '#9467bd',
  '#8c564b',
  '#e377c2',
  '#7f7f7f',
  '#bcbd22',
  '#17becf',
];
const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const [column, row, gap] = [54, 40, 6];

interface Line {
  readonly label: string;
  readonly colour: string;
  readonly isRight: boolean;
  readonly values: readonly number[];
}

/** The visible lines of a graph. What is not said of a metric is as in the one before it. */
const linesOf = ({ metrics = [] }: Widget['properties']): readonly Line[] =>
  metrics
    .map((metric) => {
      const options = (metric.find((part) => typeof part === 'object') ?? {}) as MetricOptions;
      const name = metric.filter((part) => typeof part === 'string').join(' ');
      return { options, name: `${name} ${options.label ?? ''}`.trim() };
    })
    .filter(({ options }) => options.visible !== false)
    .map(({ options, name }, index) => {
      const [, shape] = shapes.find(([pattern]) => pattern.test(name)) ?? [undefined, quiet];
      const random = noise(name);
      return {
        label: options.label ?? name,
        colour: colours[index % colours.length] ?? '',
        isRight: options.yAxis === 'right',
        values: Array.from({ length: points }, (_, at) => shape(at, random(at))),
      };
    });

const short = (value: number): string => {
  const size = Math.abs(value);
  if (size >= 1e6) return `${(value / 1e6).toFixed(1)}M`;
  if (size >= 1e3) return `${(value / 1e3).toFixed(size >= 1e4 ? 0 : 1)}k`;
  return size >= 10 || Number.isInteger(value) ? value.toFixed(0) : value.toPrecision(2);
};

/** A scale in four steps of a round number, from 0 or below to the maximum. */
function scale(values: readonly number[]): { readonly min: number; readonly max: number } {
  const [min, max] = [Math.min(0, ...values), Math.max(0, ...values)];
  const step = (max - min) / 4 || 0.25;
  const power = 10 ** Math.floor(Math.log10(step));
  const round = ([1, 2, 2.5, 5, 10].find((size) => size * power >= step) ?? 10) * power;
  const from = Math.floor(min / round) * round;
  return { min: from, max: Math.max(max, from + 4 * round) };
}

function graph(properties: Widget['properties'], width: number, height: number): string {
  const lines = linesOf(properties);
  const stacked = properties.stacked === true;
  const annotations = properties.annotations?.horizontal ?? [];
  const legendRows = Math.min(
    3,
    Math.ceil(lines.reduce((sum, { label }) => sum + label.length * 5.6 + 22, 0) / (width - 20)),
  );
  const box = {
    left: 44,
    right: width - (lines.some(({ isRight }) => isRight) ? 44 : 12),
    top: 34,
    bottom: height - 24 - legendRows * 15,
  };
  const total = Array.from({ length: points }, (_, at) =>
    lines.reduce((sum, { values }) => sum + (values[at] ?? 0), 0),
  );
  const side = (isRight: boolean) =>
    scale(
      stacked
        ? total
        : [
            ...lines.filter((line) => line.isRight === isRight).flatMap(({ values }) => values),
            ...(isRight ? [] : annotations.map(({ value }) => value)),
          ],
    );
  const scales = { left: side(false), right: side(true) };
  const x = (at: number): number => box.left + ((box.right - box.left) * at) / (points - 1);
  const y = (value: number, isRight: boolean): number => {
    const { min, max } = isRight ? scales.right : scales.left;
    return box.bottom - ((box.bottom - box.top) * (value - min)) / (max - min);
  };
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = box.bottom - (box.bottom - box.top) * part;
    const text = ({ min, max }: { min: number; max: number }) => short(min + (max - min) * part);
    const right = lines.some(({ isRight }) => isRight)
      ? `<text class="tick" x="${box.right + 4}" y="${at + 3}">${text(scales.right)}</text>`
      : '';
    return `<line class="grid" x1="${box.left}" x2="${box.right}" y1="${at}" y2="${at}"/>
      <text class="tick" x="${box.left - 4}" y="${at + 3}" text-anchor="end">${text(scales.left)}</text>${right}`;
  });
  const hours = [0, 12, 24, 35].map(
    (at) =>
      `<text class="tick" x="${x(at)}" y="${box.bottom + 12}" text-anchor="${at === points - 1 ? 'end' : 'middle'}">${String(8 + Math.round(at / 12)).padStart(2, '0')}:00</text>`,
  );
  const sums = Array.from({ length: points }, () => 0);
  const paths = lines.map(({ values, colour, isRight }) => {
    if (!stacked) {
      const line = values.map(
        (value, at) => `${at === 0 ? 'M' : 'L'}${x(at).toFixed(1)} ${y(value, isRight).toFixed(1)}`,
      );
      return `<path d="${line.join('')}" fill="none" stroke="${colour}" stroke-width="1.6"/>`;
    }
    const bottom = [...sums];
    values.forEach((value, at) => (sums[at] = (sums[at] ?? 0) + value));
    const edge = (heights: readonly number[]): string[] =>
      heights.map((value, at) => `${x(at).toFixed(1)} ${y(value, false).toFixed(1)}`);
    return `<path d="M${edge(sums).join('L')}L${edge(bottom).reverse().join('L')}Z" fill="${colour}" fill-opacity="0.75"/>`;
  });
  const marks = annotations.map(
    ({ value, label }) =>
      `<line class="mark" x1="${box.left}" x2="${box.right}" y1="${y(value, false)}" y2="${y(value, false)}" stroke="#d13212" stroke-dasharray="4 3"/>
       <text class="tick" x="${box.left + 4}" y="${y(value, false) - 4}" fill="#d13212">${escape(label)}</text>`,
  );
  const legend = lines.map(
    ({ label, colour }) => `<span><i style="background:${colour}"></i>${escape(label)}</span>`,
  );
  return `<svg width="${width}" height="${height - legendRows * 15 - 5}">${[...ticks, ...hours, ...paths, ...marks].join('')}</svg>
    <div class="legend">${legend.join('')}</div>`;
}

/** By severity, those that are on first, as CloudWatch shows them. */
function alarms({ alarms: ids = [] }: Widget['properties']): string {
  const names = ids
    .map((id) => resources[id]?.Properties['AlarmName'])
    .map((name) => (typeof name === 'string' ? name.replace(/^\S+ /, '') : 'unnamed'))
    .toSorted((one, other) => Number(isOn(other)) - Number(isOn(one)));
  return `<div class="alarms">${names.map((name) => `<b class="${isOn(name) ? 'on' : ''}">${escape(name)}</b>`).join('')}</div>`;
}

const html = widgets.map(({ type, properties, x, y, width, height }) => {
  const size = { width: width * column - gap, height: height * row - gap };
  const style = `left:${x * column}px;top:${y * row}px;width:${size.width}px;height:${size.height}px`;
  if (type === 'text')
    return `<h1 style="${style}">${escape(properties.markdown ?? '').replace(/^#+\s*/, '')}</h1>`;
  const inner = type === 'alarm' ? alarms(properties) : graph(properties, size.width, size.height);
  return `<section style="${style}"><h2>${escape(properties.title ?? '')}</h2>${inner}</section>`;
});
const bottom = Math.max(...widgets.map(({ y, height }) => y + height)) * row;

const executablePath = findBrowser();
if (executablePath === undefined)
  throw new Error('there is no Chromium here: CHROMIUM_PATH says where one is');
const browser = await chromium.launch({ executablePath, args: browserArguments });
try {
  const page = await browser.newPage({ viewport: { width: 24 * column + 16, height: bottom + 44 } });
  await page.setContent(`<!doctype html><meta charset="utf-8"><style>
    * { box-sizing: border-box; margin: 0 }
    body { font: 11px "DejaVu Sans", Arial, sans-serif; color: #16191f; background: #f2f3f3; padding: 8px }
    p { color: #545b64; height: 28px; line-height: 22px; font-size: 12px }
    main { position: relative }
    h1, section { position: absolute }
    h1 { font-size: 19px; line-height: 38px }
    section { background: #fff; border: 1px solid #d5dbdb; border-radius: 2px; overflow: hidden }
    h2 { position: absolute; top: 8px; left: 10px; font-size: 12px }
    svg { display: block }
    .grid { stroke: #eaeded } .tick { font-size: 9px; fill: #545b64 }
    .legend { padding: 0 10px; line-height: 15px; font-size: 10px; height: 45px }
    .legend span { margin-right: 10px; white-space: nowrap; display: inline-block }
    .legend i { display: inline-block; width: 9px; height: 9px; margin-right: 4px }
    .alarms { position: absolute; inset: 32px 8px 6px; display: grid; grid-template-columns: repeat(3, 1fr); grid-auto-rows: 1fr; gap: 2px }
    .alarms b { font-size: 8.5px; font-weight: normal; background: #e6f4e6; border-left: 3px solid #1d8102; padding: 0 4px; overflow: hidden; white-space: nowrap; display: flex; align-items: center }
    .alarms b.on { background: #fdf3f1; border-color: #d13212; color: #d13212; font-weight: bold }
  </style><p>Invented data, drawn from the dashboard’s JSON; not a screenshot of CloudWatch.</p><main>${html.join('')}</main>`);
  await page.screenshot({ path: output });
} finally {
  await browser.close();
}
