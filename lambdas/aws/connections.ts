import {
  ApiGatewayManagementApiClient,
  GoneException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { timeLimits } from './time-limits.ts';

/**
 * Posts to the connections of the WebSocket API whose address is in the SDK's own variable,
 * `AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI`.
 *
 * @returns `gone` when the connection is closed. Throws the error of API Gateway
 */
export function connectionPoster(): (connectionId: string, text: string) => Promise<'sent' | 'gone'> {
  const client = new ApiGatewayManagementApiClient(timeLimits);
  return async (ConnectionId, text) => {
    try {
      await client.send(new PostToConnectionCommand({ ConnectionId, Data: Buffer.from(text) }));
      return 'sent';
    } catch (error) {
      if (error instanceof GoneException) return 'gone';
      throw error;
    }
  };
}
