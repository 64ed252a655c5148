import { useEffect, useState } from 'preact/hooks';
import { request } from '../api/request.ts';
import { artifactUrl, mediaKind } from '../state/artifacts.ts';
import { Icon } from './icon.tsx';

interface MediaProps {
  batchId: string;
  path: string;
  /** What is to be seen, for those who cannot. */
  alt: string;
  /** Changes when the file does. */
  version?: string;
}

/** A small picture of a file, loaded when it comes near the window. */
export function Thumbnail({ batchId, path, alt, version }: MediaProps) {
  const same = version === undefined ? {} : { v: version };
  const url = artifactUrl(batchId, path, same);
  switch (mediaKind(path)) {
    case 'image':
      return (
        <img src={artifactUrl(batchId, path, { width: '400', ...same })} alt={alt} loading="lazy" decoding="async" />
      );
    case 'video':
      return <video src={url} preload="metadata" muted playsInline aria-label={alt} tabIndex={-1} />;
    default:
      return (
        <span class="thumb-file">
          <Icon name="file" />
          <span class="small wrap">{path.split('/').at(-1)}</span>
        </span>
      );
  }
}

/** A file as large as there is room. */
export function FullMedia({ batchId, path, alt, version }: MediaProps) {
  const url = artifactUrl(batchId, path, version === undefined ? {} : { v: version });
  switch (mediaKind(path)) {
    case 'image':
      return <img src={url} alt={alt} />;
    case 'video':
      return <video src={url} controls playsInline aria-label={alt} />;
    case 'text':
      return <TextFile url={url} />;
    default:
      return (
        <a class="button" href={url} download>
          <Icon name="download" />
          {path.split('/').at(-1)}
        </a>
      );
  }
}

/** Characters of a text that are shown; the whole of it can be taken away. */
const maxCharacters = 200_000;

function TextFile({ url }: { url: string }) {
  const [text, setText] = useState<string | null>(null);
  useEffect(() => {
    const left = new AbortController();
    request(url, { headers: { accept: '*/*' }, signal: left.signal })
      .then((response) => response.text())
      .then(setText)
      .catch(() => setText('The text could not be read.'));
    return () => {
      left.abort();
    };
  }, [url]);
  return (
    <pre class="text-file" tabIndex={0}>
      {text?.slice(0, maxCharacters) ?? ''}
    </pre>
  );
}
