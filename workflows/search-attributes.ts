import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { searchAttributeNames } from '../domain/search-attributes.ts';

export const stateAttribute = defineSearchAttributeKey(searchAttributeNames.state, SearchAttributeType.KEYWORD);
export const batchAttribute = defineSearchAttributeKey(searchAttributeNames.batch, SearchAttributeType.KEYWORD);
export const modelAttribute = defineSearchAttributeKey(searchAttributeNames.model, SearchAttributeType.KEYWORD);
