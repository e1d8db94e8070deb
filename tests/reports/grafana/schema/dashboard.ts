// What Grafana publishes of a dashboard and of the five panels that are used, narrowed so that a misspelt property
// or value is an error. JSON holds plain text where Grafana's types have enumerations: Plain makes these equal.

import type {
  Dashboard,
  DataTransformerConfig,
  FieldColor,
  FieldConfig,
  HideSeriesConfig,
  Panel,
  TableCellOptions,
  ThresholdsConfig,
  ValueMapping,
  VariableModel,
} from '@grafana/schema';
import type * as Bars from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as Columns from '@grafana/schema/dist/esm/raw/composable/barchart/panelcfg/x/BarChartPanelCfg_types.gen';
import type * as Figures from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as Tables from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as Trend from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

type Plain<T> = unknown extends T
  ? T
  : T extends string
    ? `${T}`
    : T extends Array<infer U>
      ? Array<Plain<U>>
      : T extends object
        ? { [K in keyof T]: Plain<T[K]> }
        : T;

// Grafana's Prometheus data source publishes its query in a package of its own, with all of Grafana behind it.
interface Target {
  refId: string;
  datasource: { type: 'prometheus'; uid: string };
  editorMode: 'code' | 'builder';
  expr: string;
  format: 'time_series' | 'table' | 'heatmap';
  instant: boolean;
  range: boolean;
  legendFormat: string;
}

interface Link {
  title: string;
  url: string;
  targetBlank: boolean;
}

type Property =
  | { id: 'color'; value: FieldColor }
  | { id: 'thresholds'; value: ThresholdsConfig }
  | { id: 'unit'; value: string }
  | { id: 'decimals' | 'min' | 'max' | 'custom.width'; value: number }
  | { id: 'mappings'; value: ValueMapping[] }
  | { id: 'links'; value: Link[] }
  | { id: 'custom.cellOptions'; value: TableCellOptions }
  | { id: 'custom.hideFrom'; value: HideSeriesConfig };

interface Override {
  matcher: { id: 'byName' | 'byFrameRefID'; options: string };
  properties: Property[];
}

type Typed<Type extends string, Options, Custom> = Omit<
  Panel,
  'type' | 'options' | 'fieldConfig' | 'targets' | 'description' | 'title' | 'gridPos' | 'transformations'
> & {
  type: Type;
  options: Options;
  title: string;
  description: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets: Target[];
  fieldConfig: {
    defaults: Omit<FieldConfig, 'custom' | 'links'> & {
      unit: string;
      noValue: string;
      links?: Link[];
      custom: Custom;
    };
    overrides: Override[];
  };
  transformations?: Array<Pick<DataTransformerConfig, 'id' | 'options'>>;
};

type None = Record<string, never>;

export type Board = Plain<
  Omit<Dashboard, 'panels' | 'templating' | 'uid' | 'title'> & {
    uid: string;
    title: string;
    templating: { list: VariableModel[] };
    panels: Array<
      | Typed<'stat', Figures.Options, None>
      | Typed<'bargauge', Bars.Options, None>
      | Typed<'barchart', Columns.Options, Columns.FieldConfig>
      | Typed<'timeseries', Trend.Options, Trend.FieldConfig>
      | Typed<'table', Tables.Options, Partial<Tables.FieldConfig>>
    >;
  }
>;
