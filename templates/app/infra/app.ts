import { App } from 'aws-cdk-lib';
import { AppStack } from './stack.ts';

const app = new App();
new AppStack(app, 'App', { env: { region: 'eu-west-2' } });
app.synth();
